import { sql } from 'kysely'
import type { JobId, LaneId, ProjectId } from '#pipelines/ids.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { markDirty } from '../catalog/dirty.ts'
import { namedJobs } from '../catalog/queries.ts'
import type { Trx } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'
import { strictBelow } from '../runs/strict.ts'
import type { Place } from './place.ts'

export type Mark = { readonly job_id: JobId; readonly lane_id: LaneId; readonly requested: number }

/** Whose job was looked at last: projects have turns, so that one in which much happens keeps no other waiting. */
export type Turn = { after: ProjectId | null }

/**
 * A job that must be looked at, of the project whose turn it is, locked for this transaction: other servers take others. The job's
 * row is locked and not the mark: who marks it meanwhile need not wait, and is served by another look.
 */
export async function takeDirty(db: Trx, turn: Turn): Promise<Mark | undefined> {
  const row = await db
    .selectFrom('dirty_jobs')
    .innerJoin('jobs', 'jobs.id', 'dirty_jobs.job_id')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .select(['dirty_jobs.job_id', 'dirty_jobs.lane_id', 'dirty_jobs.requested', 'pipelines.project_id'])
    .where('dirty_jobs.requested', '>', sql<number>`dirty_jobs.served`)
    .orderBy(sql`pipelines.project_id <= ${turn.after ?? 0}`)
    .orderBy('pipelines.project_id')
    .orderBy('dirty_jobs.job_id')
    .limit(1)
    .forNoKeyUpdate('jobs')
    .skipLocked()
    .executeTakeFirst()
  if (!row) return undefined
  const { project_id, ...mark } = row
  turn.after = project_id
  return mark
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
