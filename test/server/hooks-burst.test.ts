import { expect, test } from 'vitest'
import { hookOf, post, standardHeaders } from '../support/senders.ts'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

const LINE = `resources: { src: { git: . }, any: { event: { source: tracker } } }
jobs: { count: { get: any, run: say x } }
`
const MANY = Number(process.env['TAKT_BURST'] ?? 30)

test(
  'a burst of deliveries, each told twice at once, is answered at once and each is made something of once',
  { timeout: MANY * 300 + 30_000 },
  async () => {
    await using it = await steeredLine(LINE)
    await it.push()
    const { url, secret } = await hookOf(it.house, 'events')
    const tookMs: number[] = []
    const send = async (number: number) => {
      const body = JSON.stringify({ number })
      const began = performance.now()
      const answer = await post(it.house, url, body, standardHeaders(secret, body, { id: `e${number}` }))
      tookMs.push(performance.now() - began)
      return answer
    }
    const numbers = Array.from({ length: MANY }, (_, number) => [number, number]).flat()
    const answers = []
    for (let at = 0; at < numbers.length; at += 20)
      answers.push(...(await Promise.all(numbers.slice(at, at + 20).map(send))))
    expect(answers.every(({ status }) => status === 202)).toBe(true)
    expect(answers.filter(({ body }) => body.duplicate === false)).toHaveLength(MANY)
    const states = async () =>
      it.house.db
        .selectFrom('deliveries')
        .select((eb) => ['state', eb.fn.countAll<string>().as('count')])
        .where('source', '=', 'events')
        .groupBy('state')
        .execute()
    await until(async () => (await states()).every(({ state }) => state !== 'received'), {
      withinMs: 300_000,
    })
    expect(await states()).toMatchObject([{ state: 'processed', count: MANY }])
    const versions = await it.house.db
      .selectFrom('versions')
      .innerJoin('resources', 'resources.id', 'versions.resource_id')
      .select('versions.name')
      .where('resources.name', '=', 'any')
      .execute()
    expect(versions).toHaveLength(MANY)
    if (process.env['TAKT_BURST']) {
      const sorted = tookMs.toSorted((a, b) => a - b)
      const at = (share: number) => sorted[Math.floor(sorted.length * share)]!.toFixed(1)
      console.log(
        `burst of ${sorted.length}: median ${at(0.5)} ms, 95 % ${at(0.95)} ms, slowest ${sorted.at(-1)!.toFixed(1)} ms`,
      )
    }
  },
)
