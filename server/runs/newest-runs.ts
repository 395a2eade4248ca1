import { sql } from 'kysely'
import type { JobId, LaneId, RunId } from '#pipelines/ids.ts'
import type { NeedFact, VersionFact } from '#pipelines/plan/facts.ts'
import { isFinal, type RunState } from '#pipelines/states.ts'
import type { Db, Trx } from '../db/connect.ts'
import { newestOfJob, ofJobOnLane } from '../db/newest-of.ts'
import { howTogether } from './note-ending.ts'
import { heldByRun } from './versions-held.ts'

type Newest = NonNullable<NeedFact['newest']>
type Row = {
  readonly job: JobId
  readonly run: RunId
  readonly state: RunState
  readonly allow_failure: boolean
  readonly legs: readonly RunState[] | null
  readonly versions: Readonly<Record<string, VersionFact>>
}

/** The newest run of each of these jobs on a lane: one index probe a job, however long its history. */
export async function newestRuns(
  db: Db | Trx,
  jobs: readonly JobId[],
  lane: LaneId,
): Promise<ReadonlyMap<JobId, Newest>> {
  if (jobs.length === 0) return new Map()
  const { rows } = await sql<Row>`
    select asked.job, newest.id as run, newest.state, newest.allow_failure, ${heldByRun(sql.ref('newest.id'))}::jsonb as versions,
      case when newest.batch_id is not null then (
        select json_agg(legs.state) from (
          select distinct on (matrix) state from runs where batch_id = newest.batch_id order by matrix, id desc
        ) legs
      ) end as legs
    from unnest(${[...new Set(jobs)]}::bigint[]) as asked(job)
    cross join lateral (
      select id, state, allow_failure, batch_id from runs where ${ofJobOnLane(sql`asked.job`, lane)} order by ${newestOfJob} limit 1
    ) as newest`.execute(db)
  return new Map(
    rows.map(({ job, run, state: alone, allow_failure, legs, versions }) => {
      const states = legs ?? [alone]
      const how = states.every(isFinal)
        ? howTogether(states.map((state) => ({ state, allow_failure })))
        : null
      return [job, { run, state: stateOfLegs(states), how, versions }]
    }),
  )
}

/** In this order: a matrix is what the first of these is that one of its legs is. */
const TOGETHER = ['running', 'waiting', 'queued', 'failed', 'errored', 'cancelled', 'succeeded'] as const
const stateOfLegs = (legs: readonly RunState[]): RunState =>
  TOGETHER.find((state) => legs.includes(state)) ?? 'skipped'
