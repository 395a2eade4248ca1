import { sql } from 'kysely'
import { due } from '#pipelines/plan/due.ts'
import type { DueRun } from '#pipelines/plan/snapshot.ts'
import type { JobId, LaneId, RunId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { log } from '../log.ts'
import { createRun, lockJob, type NewRun } from '../runs/create-run.ts'
import { loadSnapshot, type Planned, takeDirty } from './snapshot.ts'

/**
 * Look at one job that something happened to, and create the runs that are due.
 *
 * The job's mark, its snapshot, its new runs and the mark's clearing are one transaction: a process that dies in between leaves
 * the mark for another one. A job that cannot be planned says so as its reason to wait, and stands in nobody's way.
 *
 * @returns True when there may be more to look at.
 */
export async function schedule(db: Db): Promise<boolean> {
  const looked: { mark: Mark | null } = { mark: null }
  try {
    return await transact(db, async (tx) => {
      const [mark] = await takeDirty(tx.db, 1)
      if (!mark) return false
      looked.mark = mark
      await planJob(tx, mark.job_id, mark.lane_id)
      await clear(tx, mark)
      return true
    })
  } catch (error) {
    // What PostgreSQL reports (a connection lost, a deadlock resolved against us) may go well the next time.
    if (!looked.mark || (error instanceof Error && 'code' in error)) throw error
    log.error({ err: error, job: looked.mark.job_id, lane: looked.mark.lane_id }, 'job.unplannable')
    await setAside(db, looked.mark)
    return true
  }
}

type Mark = { readonly job_id: JobId; readonly lane_id: LaneId; readonly requested: number }

const clear = (tx: Tx, { job_id, lane_id, requested }: Mark) =>
  tx.db
    .updateTable('dirty_jobs')
    .set({ served: requested })
    .where('job_id', '=', job_id)
    .where('lane_id', '=', lane_id)
    .execute()

const setAside = (db: Db, mark: Mark) =>
  transact(db, async (tx) => {
    const reason = 'could not be planned, which is our fault; the server’s log holds the cause'
    await noteWait(tx, { jobId: mark.job_id, laneId: mark.lane_id, reason })
    await clear(tx, mark)
  })

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
