import { sql } from 'kysely'
import type { JobId, LaneId, RunId, UserId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'

/** A run that another one goes back to: by a job that started it, here or in a pipeline that it follows, by a need, by a retry; the run itself among them. */
export type Cause = {
  readonly run: RunId
  readonly job: JobId
  readonly lane: LaneId
  readonly by: UserId | null
  /** How many jobs of other pipelines were started in between. */
  readonly hops: number
}

/** Farther back nobody looks; whoever starts runs out of runs is stopped long before. */
const MOST_HOPS = 20

/** Everything that a run goes back to. */
export async function causesOf(db: Db | Trx, run: RunId): Promise<readonly Cause[]> {
  const { rows } = await sql<Cause>`
    with recursive above (run_id, hops) as (
      select ${run}::bigint, 0
      union
      select cause.run_id, above.hops + cause.hop from above
      join runs on runs.id = above.run_id
      cross join lateral (
        select gates.run_id, 1 as hop from triggered join gates on gates.id = triggered.gate_id
        where triggered.run_id in (runs.id, runs.batch_id)
        union all
        select heard_ends.ended_id, 1 from triggers join heard_ends on heard_ends.version_id = triggers.version_id
        where triggers.run_id in (runs.id, runs.batch_id)
        union all
        select upstream_id, 0 from run_needs where run_needs.run_id = runs.id
        union all
        select runs.retry_of, 0 where runs.retry_of is not null
      ) cause
      where above.hops <= ${MOST_HOPS}
    )
    select runs.id as run, runs.job_id as job, runs.lane_id as lane, runs.created_by as by, max(above.hops)::int as hops
    from above join runs on runs.id = above.run_id group by runs.id`.execute(db)
  return rows
}
