import { sql } from 'kysely'
import type { z } from 'zod'
import type { LaneId, PipelineId, VersionId } from '#pipelines/ids.ts'
import type { Pausable } from '../catalog/pause.ts'
import type { Db } from '../db/connect.ts'
import type { Decree, VersionStanding } from './shapes.ts'

type Told = z.output<typeof Decree>

/** What a person decided, as it is told; null where nobody decided anything. */
export const decree = (by: string | null, reason: string | null, at: Date | null): Told | null =>
  at === null ? null : { by, reason: reason ?? '', at: at.toISOString() }

/** Who paused something, and why; null when it goes. A schedule is paused as one, with its own record. */
export async function pauseOf(db: Db, { of, id }: Pausable): Promise<Told | null> {
  const schedule =
    of === 'resource'
      ? sql`(select paused_by, paused_reason, paused_at from schedules where resource_id = ${id})`
      : sql`(select null::text as paused_by, null::text as paused_reason, null::timestamptz as paused_at where false)`
  const { rows } = await sql<{ name: string | null; reason: string | null; at: Date | null }>`
    select coalesce(users.name, schedule.paused_by) as name, coalesce(it.paused_reason, schedule.paused_reason) as reason,
      coalesce(it.paused_at, schedule.paused_at) as at
    from ${sql.table(`${of}s`)} it left join users on users.id = it.paused_by left join ${schedule} schedule on true
    where it.id = ${id}`.execute(db)
  const [row] = rows
  return row ? decree(row.name, row.reason, row.at) : null
}

/** What is paused in a line, by name, with who did it and why. */
export type Pauses = {
  readonly jobs: ReadonlyMap<string, Told>
  readonly resources: ReadonlyMap<string, Told>
}

/** The jobs and resources of a pipeline that are paused by themselves. */
export async function pausesIn(db: Db, pipeline: PipelineId): Promise<Pauses> {
  const { rows } = await sql<{
    of: 'job' | 'resource'
    name: string
    by: string | null
    reason: string
    at: Date
  }>`
    select 'job' as of, jobs.name, users.name as by, paused_reason as reason, paused_at as at
    from jobs left join users on users.id = paused_by where pipeline_id = ${pipeline} and paused_at is not null
    union all
    select 'resource', resources.name, users.name, paused_reason, paused_at
    from resources left join users on users.id = paused_by where pipeline_id = ${pipeline} and paused_at is not null
    union all
    select 'resource', resources.name, schedules.paused_by, schedules.paused_reason, schedules.paused_at
    from schedules join resources on resources.id = schedules.resource_id
    where resources.pipeline_id = ${pipeline}`.execute(db)
  const told = (wanted: string) =>
    new Map(
      rows.flatMap(({ of, name, by, reason, at }): [string, Told][] =>
        of === wanted ? [[name, { by, reason, at: at.toISOString() }]] : [],
      ),
    )
  return { jobs: told('job'), resources: told('resource') }
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
