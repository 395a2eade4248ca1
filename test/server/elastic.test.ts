import { expect, test } from 'vitest'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const LINE = `jobs:
  test: { matrix: { n: [a, b, c, d, e, f, g, h] }, run: sleep 3000 }
`

test(
  'a runner grows while runs wait, never beyond its most, shrinks when idle, and tells why each time',
  {
    timeout: 90_000,
  },
  async () => {
    await using house = await startHouse()
    await using clone = await hostedProject(house, 'shop')
    await using _runner = await startRunner(house, { name: 'elastic', slots: '1-3', idle: '2s' })
    const now = async () => (await house.ask('GET /api/v1/runners')).body.items[0]
    await until(async () => (await now())?.state === 'idle')
    expect(await now()).toMatchObject({
      slots: 1,
      slots_least: 1,
      slots_most: 3,
      labels: { engine: 'scripted' },
    })
    await clone.push({ '.takt.yml': LINE })
    let most = 0
    await until(
      async () => {
        const { busy, slots } = await now()
        most = Math.max(most, busy)
        expect(slots).toBeLessThanOrEqual(3)
        const { items } = (await house.ask('GET /api/v1/runs?state=succeeded')).body
        return items.length === 8
      },
      { withinMs: 60_000, everyMs: 50 },
    )
    await until(async () => (await now()).slots === 1, { withinMs: 20_000 })
    const { items } = (await house.ask('GET /api/v1/runners/elastic/events')).body
    const scaled = items
      .filter((event: { kind: string }) => event.kind === 'scaled')
      .toReversed()
      .map(({ slots, words }: { slots: number; words: string }) => [slots, words])
    const grown = scaled.filter(([, words]: [number, string]) => words.includes('a run waited'))
    // A machine that is busy itself lets nothing grow, and then the test has shown what it can: one at a time, and back.
    expect(most).toBe(1 + grown.length)
    if (grown.length > 0) expect(scaled.at(-1)).toEqual([1, '1 slot: for 2 s no more were needed'])
  },
)
