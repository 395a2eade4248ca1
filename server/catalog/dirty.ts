import { sql } from 'kysely'
import type { JobId, LaneId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'
import { CHANNEL, type Tx } from '../db/transact.ts'

/** A job on a lane that is to be looked at: how often that was asked for, and which of the askings have been served. */
export type DirtyMark = {
  readonly job_id: JobId
  readonly lane_id: LaneId
  readonly requested: number
  readonly served: number
}

const noted = new WeakMap<Tx, Map<string, DirtyMark>>()

/** Ask for a look at jobs on a lane. A mark set while a job is being looked at is another look. */
export function markDirty(tx: Tx, lane: LaneId, jobs: readonly JobId[]): void {
  for (const job of jobs) note(tx, { job_id: job, lane_id: lane, requested: 1, served: 0 })
}

/** The job has been looked at: what was asked for up to `requested` is served. */
export const markServed = (tx: Tx, mark: Omit<DirtyMark, 'served'>): void =>
  note(tx, { ...mark, requested: 0, served: mark.requested })

/** Marks are written last and in one order, so that of two transactions with the same marks one waits, briefly. */
function note(tx: Tx, mark: DirtyMark): void {
  const marks = noted.get(tx) ?? new Map<string, DirtyMark>()
  noted.set(tx, marks)
  const key = `${mark.job_id} ${mark.lane_id}`
  const before = marks.get(key)
  marks.set(key, {
    ...mark,
    requested: Math.max(mark.requested, before?.requested ?? 0),
    served: Math.max(mark.served, before?.served ?? 0),
  })
  tx.atEnd('9 marks', async () => {
    noted.delete(tx)
    await write(tx.db, [...marks.values()])
  })
}

/** The hint goes with what is asked for: that is not always told as an event. */
const write = (db: Trx, marks: readonly DirtyMark[]) =>
  db
    .with('marked', (cte) =>
      cte
        .insertInto('dirty_jobs')
        .values(marks.toSorted((a, b) => a.job_id - b.job_id || a.lane_id - b.lane_id))
        .onConflict((oc) =>
          oc.columns(['job_id', 'lane_id']).doUpdateSet({
            requested: sql<number>`dirty_jobs.requested + excluded.requested`,
            served: sql<number>`greatest(dirty_jobs.served, excluded.served)`,
          }),
        ),
    )
    .selectNoFrom(
      sql`case when ${marks.some((mark) => mark.requested > 0)} then pg_notify(${CHANNEL}, '') end`.as(
        'told',
      ),
    )
    .execute()
