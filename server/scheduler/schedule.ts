import { sql } from 'kysely'
import { due } from '#pipelines/plan/due.ts'
import type { DueRun } from '#pipelines/plan/snapshot.ts'
import type { JobId, LaneId, RunId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { createRun, lockJob, type NewRun } from '../runs/create-run.ts'
import { loadSnapshot, type Planned, takeDirty } from './snapshot.ts'

const BATCH = 20

/**
 * Look at the jobs that something happened to, and create the runs that are due.
 *
 * A job's mark, its snapshot, its new runs and the mark's clearing are one transaction: a process that dies in between leaves
 * the mark for another one.
 *
 * @returns True when there may be more to look at.
 */
export async function schedule(db: Db): Promise<boolean> {
  return transact(db, async (tx) => {
    const dirty = await takeDirty(tx.db, BATCH)
    for (const mark of dirty) {
      await planJob(tx, mark.job_id, mark.lane_id)
      await tx.db
        .updateTable('dirty_jobs')
        .set({ served: mark.requested })
        .where('job_id', '=', mark.job_id)
        .where('lane_id', '=', mark.lane_id)
        .execute()
    }
    return dirty.length === BATCH
  })
}

async function planJob(tx: Tx, jobId: JobId, laneId: LaneId): Promise<void> {
  await lockJob(tx.db, jobId)
  const planned = await loadSnapshot(tx.db, jobId, laneId)
  const decision = planned ? due(planned.snapshot) : { due: [], waiting: null }
  if (planned) for (const run of decision.due) await createRun(tx, newRun(planned, jobId, laneId, run))
  const changed = await noteWait(tx, { jobId, laneId, reason: decision.waiting })
  if (planned && changed) tx.emit({ kind: 'job.planned', ...planned.place, job: planned.job.name })
}

/** The planner's answer as a run to be created. */
export const newRun = (planned: Planned, jobId: JobId, laneId: LaneId, run: DueRun): NewRun => ({
  ...planned.place,
  job: planned.job.name,
  jobId,
  laneId,
  revisionId: planned.revisionId,
  reason: run.reason,
  rank: run.rank,
  automatic: true,
  retryOf: null,
  createdBy: null,
  inputs: run.inputs.map((input) => ({
    resourceId: resourceId(planned, input.resource),
    versionId: input.version.id,
    via: input.via satisfies readonly RunId[],
  })),
})

function resourceId(planned: Planned, name: string) {
  const id = planned.resourceIds.get(name)
  if (id === undefined) throw new Error(`the resource ${name} has no row`)
  return id
}

/** @returns Whether the job waits for something else than before. */
async function noteWait(
  tx: Tx,
  wait: { jobId: JobId; laneId: LaneId; reason: string | null },
): Promise<boolean> {
  const { jobId, laneId, reason } = wait
  if (reason === null) {
    const gone = await tx.db
      .deleteFrom('waits')
      .where('job_id', '=', jobId)
      .where('lane_id', '=', laneId)
      .executeTakeFirst()
    return gone.numDeletedRows > 0n
  }
  const row = await tx.db
    .insertInto('waits')
    .values({ job_id: jobId, lane_id: laneId, reason })
    .onConflict((oc) =>
      oc
        .columns(['job_id', 'lane_id'])
        .doUpdateSet({ reason, since: sql<Date>`now()` })
        .where('waits.reason', '<>', reason),
    )
    .returning('job_id')
    .executeTakeFirst()
  return row !== undefined
}
