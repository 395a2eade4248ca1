import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type EndedRun, factsOf } from '#pipelines/tallies/facts-of.ts'
import { beginOf, HOUR_MS } from '#pipelines/tallies/measures.ts'
import { bucketOf, middleOf, quantilesOf, together, UNTIMED } from '#pipelines/tallies/spread.ts'

const NOON = Date.parse('2026-11-20T12:00:00Z')
const RUN: EndedRun = {
  ...{
    state: 'succeeded',
    isAllowed: false,
    createdMs: NOON,
    startedMs: NOON + 5_000,
    endedMs: NOON + 65_000,
  },
  ...{ attempts: [], gates: [], isDeployment: false, commitMs: null, failingSinceMs: null },
}
const said = (run: Partial<EndedRun>) =>
  factsOf({ ...RUN, ...run }).map(({ what, ms, bucket }) =>
    bucket === UNTIMED ? `${what}` : `${what} ${ms}`,
  )
const busy = (run: Partial<EndedRun>) =>
  factsOf({ ...RUN, ...run }).flatMap(({ what, atMs, ms }) =>
    what === 'busy' ? [[new Date(atMs).toISOString().slice(11, 13), ms]] : [],
  )

describe('what is read from a spread', () => {
  test('is at most a twentieth off, however long it took', () =>
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 1e10 }), (ms) => {
        expect(Math.abs(middleOf(bucketOf(ms)) / ms - 1)).toBeLessThan(0.06)
      }),
    ))
  test('is as near to what a look at each run tells', () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 100, max: 1e9 }), { minLength: 1 }), (times) => {
        const sorted = times.toSorted((a, b) => a - b)
        const read = quantilesOf(together(times.map((ms) => new Map([[bucketOf(ms), 1]]))))!
        for (const [part, found] of [
          [0.5, read.p50_ms],
          [0.95, read.p95_ms],
        ] as const)
          expect(Math.abs(found / sorted[Math.ceil(times.length * part) - 1]! - 1)).toBeLessThan(0.06)
        expect(read.n).toBe(times.length)
      }),
    ))
  test('is nothing where nothing was timed', () => expect(quantilesOf(new Map([[UNTIMED, 3]]))).toBeNull())
})

describe('a run that has ended counts', () => {
  test.each<[string, Partial<EndedRun>, string[]]>([
    ['with its time, its wait and its slot', {}, ['succeeded 60000', 'waited 5000', 'busy']],
    [
      'as allowed where it failed and may',
      { state: 'failed', isAllowed: true },
      ['allowed 60000', 'waited 5000', 'busy'],
    ],
    ['without its time where the machine failed', { state: 'errored' }, ['errored', 'waited 5000', 'busy']],
    ['as nothing where it was passed over', { state: 'skipped', startedMs: null }, []],
    ['without a wait where no runner took it', { state: 'cancelled', startedMs: null }, ['cancelled']],
    ['as a deployment', { isDeployment: true }, ['succeeded 60000', 'waited 5000', 'busy', 'deployed']],
    [
      'as a deployment that failed',
      { isDeployment: true, state: 'failed' },
      ['failed 60000', 'waited 5000', 'busy', 'deploy_failed'],
    ],
    [
      'with the way of its commit, and with what it mended',
      { commitMs: NOON - 35_000, failingSinceMs: NOON - 3_535_000 },
      ['succeeded 60000', 'waited 5000', 'busy', 'lead 100000', 'restored 3600000'],
    ],
    [
      'without what it waited for people before it began',
      { gates: [{ fromMs: NOON + 1_000, toMs: NOON + 4_000 }] },
      ['succeeded 60000', 'waited 2000', 'busy'],
    ],
    [
      'without what it waited for people in between',
      { gates: [{ fromMs: NOON + 10_000, toMs: NOON + 50_000 }] },
      ['succeeded 20000', 'waited 5000', 'busy'],
    ],
    [
      'with the wait of its first attempt',
      { attempts: [{ fromMs: NOON + 1_000, toMs: NOON + 3_000 }] },
      ['succeeded 60000', 'waited 1000', 'busy'],
    ],
  ])('%s', (_, run, facts) => expect(said(run)).toEqual(facts))

  test('for its slot in each hour that it held it, with all its attempts, and not while it waited', () => {
    expect(
      busy({
        startedMs: NOON + 50 * 60_000,
        endedMs: NOON + 2.5 * HOUR_MS,
        attempts: [{ fromMs: NOON + 1_000, toMs: NOON + 3_000 }],
        gates: [{ fromMs: NOON + HOUR_MS, toMs: NOON + 2 * HOUR_MS }],
      }),
    ).toEqual([
      ['12', 602_000],
      ['14', 1_800_000],
    ])
  })
})

test('an hour and a day begin by the clock of UTC', () => {
  const at = Date.parse('2026-11-20T12:34:56.789Z')
  expect(new Date(beginOf('hour', at)).toISOString()).toBe('2026-11-20T12:00:00.000Z')
  expect(new Date(beginOf('day', at)).toISOString()).toBe('2026-11-20T00:00:00.000Z')
})
