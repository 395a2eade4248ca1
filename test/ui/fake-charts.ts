import type { Metrics, Point } from '../../ui/lib/charts-api.ts'
import { ok, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const COUNTS = { '24h': 24, '7d': 7, '30d': 30, '90d': 90 } as const
type Range = keyof typeof COUNTS
/** The last moment there is in this house. */
const NOW = Date.parse('2026-11-21T15:20:00Z')

const times = (n: number, p50: number) => (n === 0 ? null : { n, p50_ms: p50, p95_ms: Math.round(p50 * 3.4) })

/** Days like those of a team: nothing on Sundays, one bad Wednesday. */
function pointAt(atMs: number, index: number): Point {
  const at = new Date(atMs)
  const day = at.getUTCDay()
  const runs = day === 0 ? 0 : 18 + ((index * 7) % 11)
  const failed = runs === 0 ? 0 : day === 3 ? 9 : index % 4
  return {
    at: at.toISOString(),
    ...{ succeeded: runs - failed, allowed: runs > 0 ? index % 2 : 0, failed },
    ...{ errored: day === 3 ? 2 : 0, cancelled: day === 5 ? 1 : 0 },
    duration: times(runs, 84_000 + index * 900),
    waiting: times(runs, 1_400 + (index % 5) * 600),
    lead: times(Math.floor(runs / 5), 410_000 + (index % 3) * 60_000),
    restore: times(day === 4 ? 1 : 0, 2 * HOUR),
    ...{ deployments: Math.floor(runs / 6), deployments_failed: day === 3 ? 1 : 0, slots: runs / 9 },
  }
}

const NOTHING: Metrics['total'] = {
  ...{ succeeded: 0, allowed: 0, failed: 0, errored: 0, cancelled: 0, slots: 0 },
  ...{ duration: null, waiting: null, lead: null, restore: null, deployments: 0, deployments_failed: 0 },
}
const sumOf = (
  points: readonly Point[],
  of: 'succeeded' | 'failed' | 'allowed' | 'errored' | 'deployments',
) => points.reduce((sum, point) => sum + point[of], 0)

/** What ends while somebody looks. */
const more = new WeakMap<FakeWorld, number>()
export const endOneMore = (world: FakeWorld) => more.set(world, (more.get(world) ?? 0) + 1)

function metricsOf(world: FakeWorld, range: Range, isEmpty: boolean): Metrics {
  const grain = range === '24h' ? 'hour' : 'day'
  const lengthMs = grain === 'hour' ? HOUR : DAY
  const last = NOW - (NOW % lengthMs)
  const ats = Array.from(
    { length: COUNTS[range] },
    (_, index) => last - (COUNTS[range] - 1 - index) * lengthMs,
  )
  const frame = { range, grain, zone: 'UTC', counted: Number.MAX_SAFE_INTEGER } as const
  if (isEmpty)
    return {
      ...{ ...frame, total: NOTHING, jobs: [], flaky: [] },
      points: ats.map((at) => ({ at: new Date(at).toISOString(), ...NOTHING })),
    }
  const points = ats.map(pointAt)
  const at = { project: 'shop', pipeline: 'main' }
  return {
    ...{ ...frame, points },
    total: {
      ...NOTHING,
      ...{ succeeded: sumOf(points, 'succeeded') + (more.get(world) ?? 0), failed: sumOf(points, 'failed') },
      ...{ allowed: sumOf(points, 'allowed'), errored: sumOf(points, 'errored'), slots: 2.14 },
      ...{ duration: times(300, 91_000), waiting: times(300, 2_100), lead: times(60, 455_000) },
      ...{ restore: times(3, 2 * HOUR), deployments: sumOf(points, 'deployments'), deployments_failed: 1 },
    },
    jobs: [
      {
        ...at,
        job: 'integration',
        runs: 120,
        green: 108,
        average_ms: 412_000,
        longest_ms: 1_640_000,
        total_ms: 49_440_000,
      },
      {
        ...at,
        job: 'build',
        runs: 140,
        green: 139,
        average_ms: 96_000,
        longest_ms: 240_000,
        total_ms: 13_440_000,
      },
      {
        ...at,
        job: 'lint',
        runs: 140,
        green: 140,
        average_ms: 8_200,
        longest_ms: 15_000,
        total_ms: 1_148_000,
      },
    ],
    flaky: [
      { ...at, pipeline: 'nightly', job: 'fuzz', suite: 'checkout', name: 'times out politely', runs: 7 },
      { ...at, job: 'integration', suite: '', name: 'reserves before it charges', runs: 1 },
    ],
  }
}

const rangeIn = (url: URL) =>
  (Object.keys(COUNTS) as Range[]).find((each) => each === url.searchParams.get('range')) ?? '7d'

/** How runs fared. Of the handbook none has ended. */
export const CHARTS: readonly Route[] = [
  ['GET', /^\/metrics$/, ({ world, url }) => ok(metricsOf(world, rangeIn(url), world.runs.size === 0))],
  [
    'GET',
    /^\/(?:projects|organizations)\/([^/]+)\/metrics$/,
    ({ world, url }, name) => ok(metricsOf(world, rangeIn(url), name === 'handbook')),
  ],
]
