import { pino } from 'pino'
import { expect, test } from 'vitest'
import { noFreight } from '../../runner/freight.ts'
import { Link } from '../../runner/link.ts'
import { openPool } from '../../runner/pool/open-pool.ts'
import { noResources } from '../../runner/resources.ts'
import { scriptedEngine } from '../../runner/scripted.ts'
import { serve } from '../../runner/serve.ts'
import { hostedProject } from '../support/repository.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const LINE = `jobs:
  test: { matrix: { n: [a, b, c, d, e, f, g, h] }, run: sleep 3000 }
`
const SIZE = { least: 1, most: 3, idleMs: 2_000 }
const log = pino({ level: 'silent' })

/** A runner in this process, on a machine that has as much room as the test says. */
function elasticRunner(house: House) {
  const room = { enough: false, words: 'as much free as it is told' }
  const engine = scriptedEngine()
  const opened = openPool(SIZE, { engine, log, machine: () => room })
  const self = {
    ...{ name: 'elastic', version: '0', slots: SIZE.least, pool: opened.self, checks: 0, labels: {} },
    engine: { kind: engine.kind, isolated: engine.isolated, words: engine.words },
  }
  const address = `${house.url.replace('http', 'ws')}/runner`
  const link = { address, token: house.runnerToken, self, log, checks: null, ...opened.linked }
  const over = new AbortController()
  const service = serve(
    { engine, log, freight: noFreight, resources: noResources },
    {
      pool: opened.pool,
      most: SIZE.most,
      quit: over.signal,
      connect: (taker) => new Link({ ...link, ...taker }),
    },
  )
  opened.attach(service.link)
  const living = service.link.live(over.signal)
  return {
    room,
    async [Symbol.asyncDispose]() {
      service.link.carrying.forEach((work) => work.forget())
      over.abort()
      await living
      await opened[Symbol.asyncDispose]()
    },
  }
}

test(
  'a runner grows while runs wait and its machine has room, never beyond its most, shrinks when idle, and tells why each time',
  { timeout: 90_000 },
  async () => {
    await using house = await startHouse()
    await using clone = await hostedProject(house, 'shop')
    await using runner = elasticRunner(house)
    const now = async () => (await house.ask('GET /api/v1/runners')).body.items[0]
    await until(async () => (await now())?.state === 'idle')
    expect(await now()).toMatchObject({ slots: 1, slots_least: 1, slots_most: 3 })
    await clone.push({ '.takt.yml': LINE })
    let most = 0
    const succeeded = (count: number) =>
      until(
        async () => {
          most = Math.max(most, (await now()).busy)
          return (await house.ask('GET /api/v1/runs?state=succeeded')).body.items.length >= count
        },
        { withinMs: 60_000, everyMs: 50 },
      )
    await succeeded(1)
    expect(most).toBe(1)
    runner.room.enough = true
    await succeeded(8)
    expect(most).toBe(3)
    await until(async () => (await now()).slots === 1)
    const { items } = (await house.ask('GET /api/v1/runners/elastic/events')).body
    const scaled = items
      .filter((event: { kind: string }) => event.kind === 'scaled')
      .toReversed()
      .map(({ slots, words }: { slots: number; words: string }) => [slots, words])
    const why = `every slot was busy and a run waited; ${runner.room.words}`
    expect(scaled.slice(0, 2)).toEqual([
      [2, `2 slots: ${why}`],
      [3, `3 slots: ${why}`],
    ])
    expect(scaled.at(-1)).toEqual([1, '1 slot: for 2 s no more were needed'])
  },
)
