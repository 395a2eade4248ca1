import { sql } from 'kysely'
import type { RunId, UserId } from '#pipelines/ids.ts'
import { isFinal } from '#pipelines/states.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { createRun, lockJob } from './create-run.ts'
import { lockRun, moveRun } from './move.ts'

/**
 * A person asks for a run to end. A queued one ends at once; a running one when its runner has stopped it, so that its last
 * words are kept.
 *
 * @throws {Problem} `illegal-move` when it has ended already.
 */
export async function cancelRun(db: Db, id: RunId, reason: string): Promise<void> {
  await transact(db, async (tx) => {
    const run = await lockRun(tx.db, id)
    if (isFinal(run.state))
      throw new Problem('illegal-move', `run ${id} has ${run.state} already`, { state: run.state })
    await tx.db
      .updateTable('runs')
      .set({ cancel_at: sql<Date>`coalesce(cancel_at, now())`, cancel_reason: reason })
      .where('id', '=', id)
      .execute()
    if (run.state === 'running')
      tx.emit({ kind: 'run.progressed', project: run.project, pipeline: run.pipeline, run: id })
    else await moveRun(tx, id, { move: 'cancel' })
  })
}

/**
 * Another run of the same job with exactly the same inputs.
 *
 * @throws {Problem} `illegal-move` while the run has not ended.
 */
export async function retryRun(db: Db, id: RunId, by: { id: UserId; name: string }): Promise<RunId> {
  return transact(db, async (tx) => {
    const run = await lockRun(tx.db, id)
    if (!isFinal(run.state))
      throw new Problem('illegal-move', `run ${id} is ${run.state}; cancel it or wait for its end`, {
        state: run.state,
      })
    return copyRun(tx, run, by)
  })
}

async function copyRun(
  tx: Tx,
  run: Awaited<ReturnType<typeof lockRun>>,
  by: { id: UserId; name: string },
): Promise<RunId> {
  await lockJob(tx.db, run.job_id)
  const { number, revision_id } = await tx.db
    .selectFrom('runs')
    .select(['number', 'revision_id'])
    .where('id', '=', run.id)
    .executeTakeFirstOrThrow()
  return createRun(tx, {
    project: run.project,
    pipeline: run.pipeline,
    lane: run.lane,
    job: run.job,
    jobId: run.job_id,
    laneId: run.lane_id,
    revisionId: revision_id,
    reason: `retry of #${number} by ${by.name}`,
    automatic: false,
    retryOf: run.id,
    createdBy: by.id,
    inputs: await frozenInputs(tx.db, run.id),
  })
}

async function frozenInputs(db: Trx, id: RunId) {
  const inputs = await db
    .selectFrom('run_inputs')
    .select(['position', 'resource_id', 'version_id'])
    .where('run_id', '=', id)
    .orderBy('position')
    .execute()
  const via = await db
    .selectFrom('run_input_via')
    .select(['position', 'upstream_id'])
    .where('run_id', '=', id)
    .execute()
  return inputs.map(({ position, resource_id, version_id }) => ({
    resourceId: resource_id,
    versionId: version_id,
    via: via.filter((row) => row.position === position).map((row) => row.upstream_id),
  }))
}
