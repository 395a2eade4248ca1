import { sql } from 'kysely'
import type { JobId, LaneId } from '#pipelines/ids.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { markDirty } from '../catalog/dirty.ts'
import { namedJobs } from '../catalog/queries.ts'
import type { Trx } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'
import { strictBelow } from '../runs/strict.ts'
import type { Place } from './place.ts'

export type Mark = { readonly job_id: JobId; readonly lane_id: LaneId; readonly requested: number }

/**
 * A job that must be looked at, locked for this transaction: other servers take others. The job's row is locked and not the mark:
 * who marks it meanwhile need not wait, and is served by another look.
 */
export async function takeDirty(db: Trx): Promise<Mark | undefined> {
  return db
    .selectFrom('dirty_jobs')
    .innerJoin('jobs', 'jobs.id', 'dirty_jobs.job_id')
    .select(['dirty_jobs.job_id', 'dirty_jobs.lane_id', 'dirty_jobs.requested'])
    .where('dirty_jobs.requested', '>', sql<number>`dirty_jobs.served`)
    .orderBy('dirty_jobs.job_id')
    .limit(1)
    .forNoKeyUpdate('jobs')
    .skipLocked()
    .executeTakeFirst()
}

/** Those that wait until everything upstream has come to something look again: this job just has, or has got further. */
export async function wakeStrictBelow(
  tx: Tx,
  { definition, edges, pipelineId, laneId }: Place,
): Promise<void> {
  const names = strictBelow(edgesOf(definition), edges.job.name)
  const jobs = await namedJobs(tx.db, pipelineId, names)
  markDirty(tx, laneId, [...jobs.values()])
}
