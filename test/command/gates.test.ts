import { expect, test } from 'vitest'
import { hostedProject } from '../support/repository.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'
import { outcomeOf, startTakt } from './run-takt.ts'

const LINE = 'jobs:\n  ship: { approve: { form: { hosts: { number: { max: 9 } } } }, run: x }\n'

test('what waits is listed, and decided with values and a comment', { timeout: 60_000 }, async () => {
  await using house = await startHouse()
  const takt = (...args: string[]) =>
    outcomeOf(startTakt(args, { env: { TAKT_URL: house.url, TAKT_TOKEN: house.token } }))
  expect(await takt('gates')).toMatchObject({ code: 0, err: 'nothing waits at a gate\n' })
  await using clone = await hostedProject(house, 'shop')
  await clone.push({ '.takt.yml': LINE })
  await until(async () => (await house.ask('GET /api/v1/gates')).body.items.length === 1)
  expect((await takt('gates')).out).toMatch(
    /1 +1 +shop\/main\/ship +main +waiting +- +src [0-9a-f]{12} +waits/,
  )
  expect(await takt('approve', 'no')).toMatchObject({ code: 2, err: expect.stringContaining('takt gates') })
  expect(await takt('approve', '1', '--value', 'hosts=10')).toMatchObject({
    code: 2,
    err: expect.stringContaining('hosts: 10 is above 9'),
  })
  const approved = await takt('approve', '1', '--value', 'hosts=3', '--comment', 'go')
  expect(approved).toMatchObject({ code: 0, err: expect.stringContaining('gate 1 is approved') })
  expect(await takt('reject', '1', '--comment', 'no')).toMatchObject({
    code: 2,
    err: expect.stringContaining('it is approved'),
  })
  const [gate] = JSON.parse((await takt('gates', '--state', 'all', '--json')).out).items
  expect(gate).toMatchObject({ values: { hosts: '3' }, decisions: [{ verdict: 'approve', comment: 'go' }] })
})
