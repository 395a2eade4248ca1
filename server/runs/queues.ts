import { sql } from 'kysely'
import type { ProjectId, RunnerId } from '#pipelines/ids.ts'
import { itsPipelineGoes } from '../catalog/pauses.ts'
import { serverGoes } from '../catalog/maintenance.ts'
import type { Trx } from '../db/connect.ts'

/** The runs of a project that ask for the same labels: they stand in one queue. */
type Queue = { readonly project_id: ProjectId; readonly runs_on: string[] }

/** Of so many queues one will have a run that nobody else is taking in this moment. */
const MOST_QUEUES = 50

const due = sql`state = 'queued' and held is null and not_before is null and gate_step is null`

/**
 * The queues whose first run a runner may take, in the order in which it should: first those of projects that have the fewest
 * runs under way, then by the run that is due first. A runner that takes no work has none, and a queue has no first run
 * where all its pipelines are paused. While the server is in maintenance there are none.
 *
 * From each queue the index leads to the next one: what this costs grows with the number of queues, not with what waits in them.
 */
export async function queuesFor(db: Trx, runner: RunnerId): Promise<readonly Queue[]> {
  const { rows } = await sql<Queue>`
    with recursive queues as (
      (select project_id, runs_on from runs where ${due} and ${serverGoes} order by project_id, runs_on limit 1)
      union all
      select next.project_id, next.runs_on from queues cross join lateral (
        select project_id, runs_on from runs
        where ${due} and (project_id, runs_on) > (queues.project_id, queues.runs_on)
        order by project_id, runs_on limit 1
      ) next
    )
    select queues.project_id, queues.runs_on
    from queues
    join runners on runners.id = ${runner} and runners.mode = 'active' and runners.trouble is null
      and queues.runs_on <@ runners.offers
    cross join lateral (
      select due_at, id from runs
      where ${due} and project_id = queues.project_id and runs_on = queues.runs_on and ${itsPipelineGoes}
      order by due_at, id limit 1
    ) first
    left join (select project_id, count(*) as running from runs where state = 'running' group by project_id) busy
      on busy.project_id = queues.project_id
    order by coalesce(busy.running, 0), first.due_at, first.id
    limit ${MOST_QUEUES}`.execute(db)
  return rows
}
