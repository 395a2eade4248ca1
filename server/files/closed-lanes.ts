import { sql } from 'kysely'
import type { LaneId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'

/** Something was left on a lane: where it is closed, it is to be looked at once more. */
export const leftOn = (db: Trx, lane: LaneId) =>
  db
    .updateTable('lanes')
    .set({ files_dropped_for: null })
    .where('id', '=', lane)
    .where('files_dropped_for', 'is not', null)
    .execute()

/**
 * A day after a lane was closed, its caches and states go, unless runs of it are still open. Each closing is looked at once, so that
 * those of years cost nothing.
 */
export async function dropOfClosedLanes(db: Db, most: number): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ id: LaneId }>`
      update lanes set files_dropped_for = closed_at where id in (
        select id from lanes where closed_at is distinct from files_dropped_for and closed_at < now() - interval '1 day'
          and not exists (select from runs where runs.lane_id = lanes.id and runs.state in ('queued', 'running', 'waiting'))
        order by closed_at limit ${most} for update skip locked)
      returning id`.execute(tx)
    const lanes = rows.map(({ id }) => id)
    if (lanes.length === 0) return
    await tx.deleteFrom('caches').where('lane_id', 'in', lanes).execute()
    await tx.deleteFrom('states').where('lane_id', 'in', lanes).execute()
    await tx.deleteFrom('job_states').where('lane_id', 'in', lanes).execute()
  })
}
