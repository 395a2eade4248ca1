import { sql } from 'kysely'
import type { JobId, LaneId } from '#pipelines/ids.ts'
import type { How } from '#pipelines/plan/facts.ts'
import type { RunState } from '#pipelines/states.ts'
import type { Db } from '../db/connect.ts'
import { endedLike, newestEnded, newestOfJob, ofJobOnLane } from '../db/newest-of.ts'
import { isAllowed } from '../runs/queries.ts'

/** So many runs that were skipped are looked behind for one that ran. */
const MOST_PASSED_OVER = 20

type Asked = { readonly job: JobId; readonly lane: LaneId }
export type JobNow = {
  readonly job: JobId
  /** The newest run, or that of each leg of its matrix. */
  readonly legs: readonly { readonly state: RunState; readonly allowed: boolean }[]
  /** How it ended last, whatever goes on now. */
  readonly how: How | null
  readonly number: number | null
  readonly ended_at: Date | null
}

/** How jobs stand, each on a lane, and how they ended last: a few index probes a job. One that never ran is not among them. */
export async function jobsNow(db: Db, asked: readonly Asked[]): Promise<readonly JobNow[]> {
  if (asked.length === 0) return []
  const jobs = asked.map(({ job }) => job)
  const lanes = asked.map(({ lane }) => lane)
  const { rows } = await sql<JobNow>`
    select asked.job, told.legs, ended.how, ended.number, ended.ended_at
    from unnest(${jobs}::bigint[], ${lanes}::bigint[]) as asked(job, lane)
    cross join lateral (
      select id, batch_id from runs where ${ofJobOnLane(sql`asked.job`, sql`asked.lane`)} order by ${newestOfJob} limit 1
    ) newest
    cross join lateral (
      select json_agg(leg) as legs from (
        select distinct on (matrix) state, ${isAllowed} as allowed from runs
        where runs.id = newest.id or runs.batch_id = newest.batch_id order by matrix, id desc
      ) leg
    ) told
    left join lateral (
      select one.how, runs.number, runs.ended_at
      from unnest('{success,failure,other}'::text[]) as hows(how)
      cross join lateral (
        select id, run_id, how from endings where ${endedLike(sql`asked.job`, sql`asked.lane`, sql`hows.how`)}
        order by ${newestEnded} limit ${MOST_PASSED_OVER}
      ) one
      join runs on runs.id = one.run_id and runs.state <> 'skipped'
      order by one.id desc limit 1
    ) ended on true`.execute(db)
  return rows
}
