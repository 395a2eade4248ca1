import { sql } from 'kysely'
import type { JobId, LaneId, ResourceId, RevisionId, RunId, UserId, VersionId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'

export type NewRun = {
  readonly project: string
  readonly pipeline: string
  readonly lane: string
  readonly job: string
  readonly jobId: JobId
  readonly laneId: LaneId
  readonly revisionId: RevisionId
  readonly reason: string
  /** The planner made it; only such runs say how far the job got on its lane. */
  readonly automatic: boolean
  readonly retryOf: RunId | null
  readonly createdBy: UserId | null
  /** In declaration order. */
  readonly inputs: readonly { resourceId: ResourceId; versionId: VersionId; via: readonly RunId[] }[]
}

/** A run, queued, with its exact inputs: from here on they are frozen. */
export async function createRun(tx: Tx, run: NewRun): Promise<RunId> {
  const { id } = await tx.db
    .insertInto('runs')
    .values((eb) => ({
      job_id: run.jobId,
      lane_id: run.laneId,
      revision_id: run.revisionId,
      number: sql<number>`coalesce((${eb
        .selectFrom('runs')
        .select((max) => max.fn.max('number').as('number'))
        .where('job_id', '=', run.jobId)}), 0) + 1`,
      reason: run.reason,
      automatic: run.automatic,
      retry_of: run.retryOf,
      created_by: run.createdBy,
    }))
    .returning('id')
    .executeTakeFirstOrThrow()
  await freezeInputs(tx.db, id, run.inputs)
  const { project, pipeline, lane, job } = run
  tx.emit({ kind: 'run.moved', project, pipeline, lane, job, run: id, from: null, to: 'queued' })
  return id
}

async function freezeInputs(db: Trx, id: RunId, inputs: NewRun['inputs']): Promise<void> {
  if (inputs.length === 0) return
  await db
    .insertInto('run_inputs')
    .values(
      inputs.map(({ resourceId, versionId }, position) => ({
        run_id: id,
        position,
        resource_id: resourceId,
        version_id: versionId,
      })),
    )
    .execute()
  const via = inputs.flatMap((input, position) =>
    input.via.map((upstream_id) => ({ run_id: id, position, upstream_id })),
  )
  if (via.length > 0) await db.insertInto('run_input_via').values(via).execute()
}

/** One at a time may number a job's runs: the job's row is the queue ticket. */
export const lockJob = (db: Trx, job: JobId) =>
  db
    .selectFrom('jobs')
    .select(['id', 'name', 'pipeline_id'])
    .where('id', '=', job)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow()
