import { sql } from 'kysely'
import type { JobId, LaneId, RunId } from '#pipelines/ids.ts'
import type { Tx } from '../db/transact.ts'
import { askToEnd } from './ask.ts'

type Row = { readonly id: RunId; readonly failed: RunId; readonly state: string; readonly leg: string }

/**
 * A leg of a matrix has failed: the others of it end, too, but for those that a person started again since. The caller holds the job.
 */
export async function cancelRest(tx: Tx, at: { jobId: JobId; laneId: LaneId }): Promise<void> {
  const { rows } = await sql<Row>`
    select open.id, failed.id as failed, failed.state,
      (select string_agg(key || ' ' || value, ', ' order by key) from jsonb_each_text(failed.matrix)) as leg
    from runs open
    cross join lateral (
      select id, state, matrix from runs other
      where other.batch_id = open.batch_id
        and (other.state = 'errored' or other.state = 'failed' and not other.allow_failure)
        and other.ended_at >= open.created_at and not exists (
        select from runs again where again.batch_id = other.batch_id and again.matrix = other.matrix
          and again.id > other.id)
      order by ended_at limit 1
    ) failed
    where open.lane_id = ${at.laneId} and open.job_id = ${at.jobId}
      and open.state in ('queued', 'running', 'waiting') and open.batch_id is not null and open.cancel_at is null
    order by open.id`.execute(tx.db)
  for (const { id, failed, state, leg } of rows)
    await askToEnd(tx, id, { reason: `run ${failed} (${leg}) of its matrix ${state}`, only: null })
}
