import type { z } from 'zod'
import type { JobId, LaneId, PipelineId, VersionId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import type { Decree, VersionStanding } from './shapes.ts'

type Told = z.output<typeof Decree>

/** What a person decided, as it is told; null where nobody decided anything. */
export const decree = (by: string | null, reason: string | null, at: Date | null): Told | null =>
  at === null ? null : { by, reason: reason ?? '', at: at.toISOString() }

/** Who paused a job, and why; null when it goes. */
export async function pauseOf(db: Db, job: JobId): Promise<Told | null> {
  const row = await db
    .selectFrom('jobs')
    .leftJoin('users', 'users.id', 'jobs.paused_by')
    .select(['users.name', 'jobs.paused_reason', 'jobs.paused_at'])
    .where('jobs.id', '=', job)
    .executeTakeFirst()
  return row ? decree(row.name, row.paused_reason, row.paused_at) : null
}

/** Who paused a whole pipeline, and why; null when it goes. */
export async function pauseOfPipeline(db: Db, pipeline: PipelineId): Promise<Told | null> {
  const row = await db
    .selectFrom('pipelines')
    .leftJoin('users', 'users.id', 'pipelines.paused_by')
    .select(['users.name', 'pipelines.paused_reason', 'pipelines.paused_at'])
    .where('pipelines.id', '=', pipeline)
    .executeTakeFirst()
  return row ? decree(row.name, row.paused_reason, row.paused_at) : null
}

/** What was decided about a version, and about the lane that takes it. */
export async function standingOf(
  db: Db,
  version: VersionId,
  lane: LaneId,
): Promise<z.output<typeof VersionStanding>> {
  const row = await db
    .selectFrom('versions')
    .innerJoin('resources', 'resources.id', 'versions.resource_id')
    .innerJoin('lanes', (join) => join.on('lanes.id', '=', lane))
    .leftJoin('pins', (join) =>
      join.onRef('pins.version_id', '=', 'versions.id').onRef('pins.lane_id', '=', 'lanes.id'),
    )
    .leftJoin('users as disabler', 'disabler.id', 'versions.disabled_by')
    .leftJoin('users as pinner', 'pinner.id', 'pins.pinned_by')
    .select([
      'resources.name as resource',
      'lanes.name as lane',
      'versions.name as version',
      'versions.disabled_at',
      'versions.disabled_reason',
      'disabler.name as disabled_by',
      'pins.pinned_at',
      'pins.reason as pinned_reason',
      'pinner.name as pinned_by',
    ])
    .where('versions.id', '=', version)
    .executeTakeFirstOrThrow()
  const { resource, lane: laneName, version: name } = row
  return {
    ...{ resource, lane: laneName, version: name },
    pinned: decree(row.pinned_by, row.pinned_reason, row.pinned_at),
    disabled: decree(row.disabled_by, row.disabled_reason, row.disabled_at),
  }
}
