import { expect, test } from 'vitest'
import { hostedProject } from '../support/repository.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'
import { outcomeOf, startTakt } from './run-takt.ts'

const LINE = `resources: { nightly: { time: "0 3 * * *", timezone: Europe/Berlin } }
jobs: { sweep: { get: nightly, run: x } }
`

test(
  'schedules are listed, looked at, paused with a reason, resumed and fired',
  { timeout: 60_000 },
  async () => {
    await using house = await startHouse()
    const takt = (...args: string[]) =>
      outcomeOf(startTakt(args, { env: { TAKT_URL: house.url, TAKT_TOKEN: house.token } }))
    expect(await takt('schedules')).toMatchObject({ code: 0, err: expect.stringContaining('no schedules') })
    await using clone = await hostedProject(house, 'shop')
    await clone.push({ '.takt.yml': LINE })
    await until(async () => (await house.ask('GET /api/v1/schedules')).body.items[0]?.next.length === 5)
    expect((await takt('schedules')).out).toMatch(/shop\/main\/nightly +0 3 \* \* \* +Europe\/Berlin +\d{4}-/)
    const shop = 'shop/main/nightly'
    expect(await takt('schedules', 'pause', shop)).toMatchObject({ code: 2 })
    expect(await takt('schedules', 'pause', shop, '--reason', 'holidays')).toMatchObject({ code: 0 })
    expect(await takt('schedules', 'fire', shop)).toMatchObject({ code: 0 })
    const { out } = await takt('schedules', 'show', shop)
    expect(out).toContain('paused by admin on')
    expect(out).toMatch(/\d{4}-\d\d-\d\d 03:00 Europe\/Berlin {2}\d{4}-\d\d-\d\d \d\d:00:00 here/)
    expect(out).toMatch(/came\n.* fired .* later; by admin/)
    await takt('schedules', 'resume', shop)
    expect(JSON.parse((await takt('schedules', 'show', shop, '--json')).out)).toMatchObject({ paused: null })
    expect(await takt('schedules', 'show', 'shop/main/none')).toMatchObject({ code: 2 })
  },
)
