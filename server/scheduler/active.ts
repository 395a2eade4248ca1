import { sql } from 'kysely'
import type { Active } from '#pipelines/plan/facts.ts'
import type { Trx } from '../db/connect.ts'
import type { Place } from './place.ts'

/** How many of those that are not final are named: one is enough to wait for. */
const MOST_NAMED = 50

/** What is not final upstream, all the way: runs, and triggers that have not come to anything yet. */
export async function activeUpstream(db: Trx, { edges, jobs, laneId }: Place): Promise<Active[]> {
  const ids = edges.upstream.flatMap((name) => jobs.get(name)?.id ?? [])
  if (ids.length === 0) return []
  const { rows } = await sql<Active>`
    select jobs.name as job, active.run, active.state from (
      select job_id, id as run, state from runs
      where lane_id = ${laneId} and job_id = any(${ids}) and state in ('queued', 'running', 'waiting')
      union all
      select distinct job_id, null::bigint, 'triggered' from triggers
      where lane_id = ${laneId} and job_id = any(${ids}) and fate in ('new', 'gathered')
    ) active
    join jobs on jobs.id = active.job_id
    order by active.run nulls last limit ${MOST_NAMED}`.execute(db)
  return rows
}
