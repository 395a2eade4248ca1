import { describe, expect, test } from 'vitest'
import { decide } from '#pipelines/plan/decide.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { parsePipeline } from '#pipelines/language/parse.ts'
import type { Facts, Trigger, VersionFact } from '#pipelines/plan/facts.ts'
import { chance } from '../support/chance.ts'
import { changed, ended, ending, facts, input, need, v } from '../support/plan-facts.ts'
import { busyMs } from '../support/busy.ts'

const range = (count: number) => Array.from({ length: count }, (_, at) => at)
const NAMES = range(10).map((at) => `n${at}`)
const own = (at: number, seq: number) => v(seq, 2_000 + at * 200)

/** Ten needed jobs with a hundred endings each, newest first; what each one holds. */
const joinOf = (
  held: (need: number, age: number) => Record<string, VersionFact>,
  triggers: Trigger[],
): Facts => {
  const needs = NAMES.map((job, at) => {
    const endings = range(100).map((age) => ending(10_000 - age * 10 + at, held(at, age)))
    return need(job, { carries: Object.keys(held(at, 0)), endings })
  })
  const resources = [...new Set(needs.flatMap(({ carries }) => carries))].toSorted()
  const inputs = resources.map((resource) =>
    input(resource, {
      via: needs.filter(({ carries }) => carries.includes(resource)).map(({ job }) => job),
      newest: v(1, 9_000),
    }),
  )
  return facts({ inputs, needs, triggers })
}
const AGAIN = [changed(1, 'look again')]

const { below } = chance(7)
const upTo = (most: number) => 1 + below(most)
const thrown = range(10).map(() => range(100).map(() => [upTo(10), upTo(10)] as const))

const lone = (_: number, age: number) => ({ src: v(100 - age) })
const WORLDS: readonly { it: string; given: Facts; seqs: string | null }[] = [
  {
    it: 'of one commit',
    given: joinOf(lone, [ended(1, 'n0', ending(10_000, { src: v(100) }))]),
    seqs: '100',
  },
  { it: 'of any commit', given: joinOf(lone, AGAIN), seqs: '100' },
  {
    it: 'of a commit, what seldom changes, and something of their own',
    given: joinOf(
      (at, age) => ({ ...lone(at, age), infra: v(50 - (age >> 2), 1_000), [`r${at}`]: own(at, 100 - age) }),
      AGAIN,
    ),
    seqs: [50, ...range(10).map(() => 100), 100].join(),
  },
  {
    it: 'of what never changes and something of their own',
    given: joinOf((at, age) => ({ sticky: v(1, 1_000), [`r${at}`]: own(at, 100 - age) }), AGAIN),
    seqs: [...range(10).map(() => 100), 1].join(),
  },
  {
    it: 'of something each by itself',
    given: joinOf((at, age) => ({ [`r${at}`]: own(at, 100 - age) }), AGAIN),
    seqs: range(10)
      .map(() => 100)
      .join(),
  },
  {
    it: 'in a ring that closes on the oldest only',
    given: joinOf((at, age) => {
      const next = (at + 1) % 10
      const seq = 100 - age
      return {
        [`r${at}`]: own(at, seq),
        [`r${next}`]: own(next, at === 9 && seq > 1 ? (seq % 100) + 1 : seq),
      }
    }, AGAIN),
    seqs: range(10)
      .map(() => 1)
      .join(),
  },
  {
    it: 'in a ring of chance',
    given: joinOf((at, age) => {
      const [one, other] = thrown[at]![age]!
      return { [`r${at}`]: own(at, one), [`r${(at + 1) % 10}`]: own((at + 1) % 10, other) }
    }, AGAIN),
    seqs: 'some',
  },
]

describe('ten needs with a hundred endings each are joined at once:', () => {
  test.each(WORLDS)('$it', ({ it, given, seqs }) => {
    const first = busyMs(() => decide(given))
    const rest = busyMs(() => range(30).forEach(() => decide(given)))
    if (process.env['TAKT_MEASURE']) console.log(it, first.toFixed(2), (rest / 30).toFixed(2), 'ms')
    const { runs, fates } = decide(given)
    const found = runs[0]?.inputs.map(({ version }) => version.seq).join() ?? null
    if (seqs !== 'some') expect(found).toBe(seqs)
    expect(runs.length + fates.length).toBe(1)
    expect(first).toBeLessThan(1_000)
  })
})

test('a set of a ring that chance threw holds together', () => {
  const { runs } = decide(WORLDS.at(-1)!.given)
  const seqs = Object.fromEntries(runs[0]!.inputs.map(({ resource, version }) => [resource, version.seq]))
  for (const at of range(10))
    expect(thrown[at]!.some(([a, b]) => a === seqs[`r${at}`] && b === seqs[`r${(at + 1) % 10}`])).toBe(true)
})

test('the edges of five hundred jobs are there at once', () => {
  const job = (layer: number, at: number) => {
    const before = [0, 1, 2].map((step) => `j${layer - 1}-${(at + step) % 10}`)
    return `  j${layer}-${at}: { ${layer === 0 ? 'get: src' : `needs: [${before.join()}]`}, start: strict, run: make }`
  }
  const lines = range(50).flatMap((layer) => range(10).map((at) => job(layer, at)))
  const { pipeline } = parsePipeline(`jobs:\n${lines.join('\n')}`)
  const tookMs = busyMs(() => edgesOf(pipeline!))
  if (process.env['TAKT_MEASURE']) console.log('edges', tookMs, 'ms')
  expect(tookMs).toBeLessThan(1_000)
  const edges = edgesOf(pipeline!)
  expect(edges.jobs.get('j49-0')!.upstream).toHaveLength(474)
  expect(edges.jobs.get('j49-0')!.neighbours).toEqual(['j48-0', 'j48-1', 'j48-2'])
})
