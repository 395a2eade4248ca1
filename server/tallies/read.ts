import { type RawBuilder, sql } from 'kysely'
import type { z } from 'zod'
import { beginOf, type Grain, lengthMs, type Measure } from '#pipelines/tallies/measures.ts'
import { quantilesOf, type Spread, together } from '#pipelines/tallies/spread.ts'
import type { Db } from '../db/connect.ts'
import type { Metrics, Range } from './shapes.ts'

type Told = z.output<typeof Metrics>
type Counts = Told['total']

const WINDOWS: Readonly<Record<Range, { readonly grain: Grain; readonly points: number }>> = {
  '24h': { grain: 'hour', points: 24 },
  '7d': { grain: 'day', points: 7 },
  '30d': { grain: 'day', points: 30 },
  '90d': { grain: 'day', points: 90 },
}
const MOST_LISTED = 10

/** Which projects are looked at: a condition beside a row of `projects`. */
export type Whose = RawBuilder<boolean>
type Window = {
  readonly whose: Whose
  readonly grain: Grain
  readonly fromMs: number
  readonly nowMs: number
}

/** How runs fared over a time that ends now. It costs by the hours or days it spans, whatever there was before. */
export async function readMetrics(
  db: Db,
  { whose, range, nowMs }: { readonly whose: Whose; readonly range: Range; readonly nowMs: number },
): Promise<Told> {
  const { grain, points } = WINDOWS[range]
  const fromMs = beginOf(grain, nowMs) - (points - 1) * lengthMs(grain)
  const window = { whose, grain, fromMs, nowMs }
  // Read before the counts: what is counted in between is told again, never not at all.
  const { event_id } = await db.selectFrom('tally_cursor').select('event_id').executeTakeFirstOrThrow()
  const rows = await talliesIn(db, window)
  const byTime = Map.groupBy(rows, ({ at }) => at)
  const times = Array.from({ length: points }, (_, index) => fromMs + index * lengthMs(grain))
  return {
    ...{ range, grain, zone: 'UTC', counted: event_id },
    points: times.map((at) => ({
      at: new Date(at).toISOString(),
      ...countsOf(byTime.get(at) ?? [], Math.min(lengthMs(grain), nowMs - at)),
    })),
    total: countsOf(rows, nowMs - fromMs),
    jobs: await slowestJobs(db, window),
    flaky: await flakiestTests(db, window),
  }
}

const within = ({ whose, grain, fromMs }: Window) => sql`
  project_id = any(array(select projects.id from projects where ${whose}))
  and grain = ${grain} and at >= to_timestamp(${fromMs} / 1000.0)`

type Row = {
  readonly at: number
  readonly what: Measure
  readonly n: number
  readonly ms: number
  readonly spread: Readonly<Record<string, number>>
}

async function talliesIn(db: Db, window: Window): Promise<readonly Row[]> {
  const { rows } = await sql<Row>`
    select (extract(epoch from at) * 1000)::float8 as at, what, sum(n)::float8 as n, sum(ms)::float8 as ms,
      json_object_agg(bucket, n) as spread
    from (
      select at, what, bucket, sum(n) as n, sum(ms) as ms from tallies where ${within(window)} group by at, what, bucket
    ) summed group by at, what`.execute(db)
  return rows
}

/** @param spanMs  How long the time is that the rows are of: the last hour or day has only begun. */
function countsOf(rows: readonly Row[], spanMs: number): Counts {
  const by = Map.groupBy(rows, ({ what }) => what)
  const count = (what: Measure) => (by.get(what) ?? []).reduce((sum, { n }) => sum + n, 0)
  const spread = (what: Measure): Spread =>
    together(
      (by.get(what) ?? []).map(
        (row) => new Map(Object.entries(row.spread).map(([at, n]) => [Number(at), n])),
      ),
    )
  const busyMs = (by.get('busy') ?? []).reduce((sum, { ms }) => sum + ms, 0)
  return {
    ...{ succeeded: count('succeeded'), allowed: count('allowed'), failed: count('failed') },
    ...{ errored: count('errored'), cancelled: count('cancelled') },
    duration: quantilesOf(together((['succeeded', 'allowed', 'failed'] as const).map(spread))),
    waiting: quantilesOf(spread('waited')),
    lead: quantilesOf(spread('lead')),
    restore: quantilesOf(spread('restored')),
    ...{ deployments: count('deployed'), deployments_failed: count('deploy_failed') },
    slots: Math.round((100 * busyMs) / Math.max(spanMs, 1)) / 100,
  }
}

async function slowestJobs(db: Db, window: Window): Promise<Told['jobs']> {
  const { rows } = await sql<Told['jobs'][number]>`
    with slowest as (
      select job_id, sum(runs)::float8 as runs, sum(green)::float8 as green, round(sum(ms) / sum(runs))::float8 as average_ms,
        max(longest_ms)::float8 as longest_ms, sum(ms)::float8 as total_ms
      from job_tallies where ${within(window)} group by job_id order by average_ms desc, job_id limit ${MOST_LISTED}
    )
    select projects.name as project, pipelines.name as pipeline, jobs.name as job, runs, green, average_ms, longest_ms, total_ms
    from slowest join jobs on jobs.id = slowest.job_id join pipelines on pipelines.id = jobs.pipeline_id
    join projects on projects.id = pipelines.project_id order by average_ms desc, jobs.id`.execute(db)
  return rows
}

async function flakiestTests(db: Db, window: Window): Promise<Told['flaky']> {
  const { rows } = await sql<Told['flaky'][number]>`
    with flakiest as (
      select test_id, sum(n)::float8 as runs from flaky_tallies where ${within(window)}
      group by test_id order by runs desc, test_id limit ${MOST_LISTED}
    )
    select projects.name as project, pipelines.name as pipeline, jobs.name as job, suite, tests.name, runs
    from flakiest join tests on tests.id = flakiest.test_id join jobs on jobs.id = tests.job_id
    join pipelines on pipelines.id = jobs.pipeline_id join projects on projects.id = pipelines.project_id
    order by runs desc, tests.id`.execute(db)
  return rows
}
