import { expect, test } from 'vitest'
import { startHouse } from '../support/server.ts'
import { outcomeOf, startTakt } from './run-takt.ts'

test('a maintenance begins with a reason, is looked at, and ends', { timeout: 60_000 }, async () => {
  await using house = await startHouse()
  const takt = (...args: string[]) =>
    outcomeOf(startTakt(['maintenance', ...args], { env: { TAKT_URL: house.url, TAKT_TOKEN: house.token } }))
  expect(await takt('on')).toMatchObject({ code: 2, err: expect.stringContaining('--reason') })
  expect(await takt('status')).toMatchObject({ code: 0, out: expect.stringContaining('no maintenance') })
  expect(await takt('on', '--reason', 'new disks')).toMatchObject({ code: 0 })
  expect((await takt('status')).out).toMatch(/in maintenance since \d{4}-.*, by admin: new disks/)
  expect(JSON.parse((await takt('status', '--json')).out)).toMatchObject({ maintenance: { by: 'admin' } })
  expect(await takt('off')).toMatchObject({ code: 0, err: expect.stringContaining('goes its way') })
})
