import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import { isFinal } from '#pipelines/states.ts'
import { factsOf } from '#pipelines/tallies/facts-of.ts'
import { beginOf, DAY_MS, type Grain, GRAINS, HOUR_MS } from '#pipelines/tallies/measures.ts'
import type { Db, Trx } from '../db/connect.ts'
import { readOn } from '../events/read-on.ts'
import { type Counted, endedRuns } from './ended-runs.ts'

/** How far back hours are kept, and days: longer than any chart looks. */
const KEPT_MS: Readonly<Record<Grain, number>> = { hour: 2 * DAY_MS, day: 400 * DAY_MS }

/**
 * Count the runs that have ended since the last look: no run is counted twice, and none is passed over, whoever is killed.
 *
 * @returns Whether there may be more.
 */
export const countOn = (db: Db): Promise<boolean> =>
  readOn(db, 'tally_cursor', async (tx, events) => {
    const ended = new Set(
      events.flatMap((event) => (event.kind === 'run.moved' && isFinal(event.to) ? [event.run] : [])),
    )
    if (ended.size > 0) await count(tx, [...ended])
  })

async function count(tx: Trx, ids: readonly RunId[]): Promise<void> {
  const runs = await endedRuns(tx, ids)
  const nowMs = Date.now()
  for (const grain of GRAINS) {
    const since = nowMs - KEPT_MS[grain]
    await addFacts(tx, { grain, since, runs })
    await addJobs(tx, { grain, since, runs: runs.filter(({ endedMs }) => endedMs >= since) })
    await addFlaky(tx, { grain, since, ids })
  }
}

type Batch = { readonly grain: Grain; readonly since: number; readonly runs: readonly Counted[] }

async function addFacts(tx: Trx, { grain, since, runs }: Batch): Promise<void> {
  const facts = runs
    .flatMap((run) => factsOf(run).map((fact) => ({ project: run.project, ...fact })))
    .filter(({ atMs }) => atMs >= since)
  if (facts.length === 0) return
  await sql`
    insert into tallies (project_id, grain, at, what, bucket, n, ms)
    select project, ${grain}, to_timestamp(at / 1000), what, bucket, count(*), sum(ms)
    from unnest(${facts.map(({ project }) => project)}::bigint[], ${facts.map(({ atMs }) => beginOf(grain, atMs))}::float8[],
      ${facts.map(({ what }) => what)}::text[], ${facts.map(({ bucket }) => bucket)}::int[],
      ${facts.map(({ ms }) => Math.round(ms))}::bigint[]) as facts (project, at, what, bucket, ms)
    group by project, at, what, bucket
    on conflict (project_id, grain, at, what, bucket) do update
      set n = tallies.n + excluded.n, ms = tallies.ms + excluded.ms`.execute(tx)
}

async function addJobs(tx: Trx, { grain, runs }: Batch): Promise<void> {
  const timed = runs.flatMap((run) =>
    factsOf(run)
      .filter(({ what, bucket }) => bucket >= 0 && ENDS.includes(what))
      .map(({ what, ms }) => ({ ...run, isGreen: what !== 'failed', ms: Math.round(ms) })),
  )
  if (timed.length === 0) return
  await sql`
    insert into job_tallies (project_id, grain, at, job_id, runs, green, ms, longest_ms)
    select project, ${grain}, to_timestamp(at / 1000), job, count(*), count(*) filter (where green), sum(ms), max(ms)
    from unnest(${timed.map(({ project }) => project)}::bigint[], ${timed.map(({ endedMs }) => beginOf(grain, endedMs))}::float8[],
      ${timed.map(({ job }) => job)}::bigint[], ${timed.map(({ isGreen }) => isGreen)}::boolean[],
      ${timed.map(({ ms }) => ms)}::bigint[]) as timed (project, at, job, green, ms)
    group by project, at, job
    on conflict (project_id, grain, at, job_id) do update
      set runs = job_tallies.runs + excluded.runs, green = job_tallies.green + excluded.green,
        ms = job_tallies.ms + excluded.ms, longest_ms = greatest(job_tallies.longest_ms, excluded.longest_ms)`.execute(
    tx,
  )
}
const ENDS = ['succeeded', 'allowed', 'failed']

type Tested = { readonly grain: Grain; readonly since: number; readonly ids: readonly RunId[] }

const addFlaky = (tx: Trx, { grain, since, ids }: Tested) =>
  sql`
    insert into flaky_tallies (project_id, grain, at, test_id, n)
    select pipelines.project_id, ${grain}, date_trunc(${grain}, runs.ended_at, 'UTC') as began, test_id, count(*)
    from runs join jobs on jobs.id = runs.job_id join pipelines on pipelines.id = jobs.pipeline_id
    join test_results on test_results.run_id = runs.id and test_results.rank <= 2 and test_results.flaky
    where runs.id = any(${[...ids]}::bigint[]) and runs.ended_at >= to_timestamp(${since} / 1000.0)
    group by pipelines.project_id, began, test_id
    on conflict (project_id, grain, at, test_id) do update set n = flaky_tallies.n + excluded.n`.execute(tx)

/** Hours give way to days, and days that no chart shows any more go. */
export async function dropOld(db: Db): Promise<void> {
  for (const table of ['tallies', 'job_tallies', 'flaky_tallies'] as const)
    for (const grain of GRAINS)
      await db
        .deleteFrom(table)
        .where('grain', '=', grain)
        .where('at', '<', new Date(Date.now() - KEPT_MS[grain] - HOUR_MS))
        .execute()
}
