import { type RawBuilder, sql } from 'kysely'
import type { ArchiveId, ResourceId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import type { VersionBody } from '../db/schema.ts'
import { Problem } from '../problem.ts'
import { ofLeg } from '../runs/job-states.ts'
import { calledOf, type OfJob, type OfResource, type Remembering } from './the-state.ts'

/** One version of a state, with all that is known of how it came about. */
export type StateVersion = {
  readonly version: number
  readonly madeAt: Date | null
  readonly by: string | null
  readonly reason: string | null
  readonly restored: number | null
  readonly run: { readonly id: number; readonly job: string; readonly number: number } | null
  /** Where its files lie; null where there are none. */
  readonly archive: { readonly id: ArchiveId; readonly key: string } | null
  readonly files: number
  readonly bytes: number
  readonly fields: Readonly<Record<string, string>>
  /** Of a resource: the folder of its files. */
  readonly folder: string | null
  readonly body: VersionBody | null
}

/** Before anything was left. */
export const NOTHING: StateVersion = {
  ...{ version: 0, madeAt: null, by: null, reason: null, restored: null, run: null, archive: null },
  ...{ files: 0, bytes: 0, fields: {}, folder: null, body: null },
}

type Page = { readonly before: number | undefined; readonly limit: number }

/** Versions of a state, newest first. */
export const versionsOf = (db: Db, at: Remembering, page: Page): Promise<StateVersion[]> =>
  at.of === 'job' ? statesOfJob(db, at, page) : versionsOfResource(db, at, page)

/** The newest version; of what remembers nothing yet an empty one. */
export const newestOf = async (db: Db, at: Remembering): Promise<StateVersion> =>
  (await versionsOf(db, at, { before: undefined, limit: 1 }))[0] ?? NOTHING

/** @throws {Problem} `state-not-found`. */
export async function versionAt(db: Db, at: Remembering, version: number | undefined): Promise<StateVersion> {
  if (version === undefined) return newestOf(db, at)
  const [found] = await versionsOf(db, at, { before: version + 1, limit: 1 })
  if (found?.version === version) return found
  if (version === 0) return NOTHING
  const newest = await newestOf(db, at)
  throw new Problem(
    'state-not-found',
    `${calledOf(at)} has no version ${version}, or none any more; the newest is ${newest.version}`,
  )
}

type Who = {
  made_at: Date
  made_by: string | null
  reason: string | null
  run_id: number | null
  run_job: string | null
  run_number: number | null
  archive_id: ArchiveId | null
  key: string | null
  files: number | null
  bytes: number | null
}
const whoOf = (row: Who) => ({
  ...{ madeAt: row.made_at, by: row.made_by, reason: row.reason },
  run:
    row.run_id !== null && row.run_job !== null
      ? { id: row.run_id, job: row.run_job, number: row.run_number ?? 0 }
      : null,
  archive: row.archive_id !== null && row.key !== null ? { id: row.archive_id, key: row.key } : null,
  ...{ files: row.files ?? 0, bytes: Number(row.bytes ?? 0) },
})

async function statesOfJob(db: Db, { leg }: OfJob, { before, limit }: Page): Promise<StateVersion[]> {
  const rows = await db
    .selectFrom('job_states')
    .innerJoin('archives', 'archives.id', 'job_states.archive_id')
    .leftJoin('runs', 'runs.id', 'job_states.run_id')
    .innerJoin('jobs', 'jobs.id', 'job_states.job_id')
    .select([
      ...(['job_states.version', 'job_states.made_at', 'job_states.made_by', 'job_states.reason'] as const),
      ...(['job_states.restored', 'job_states.run_id', 'job_states.archive_id'] as const),
      ...(['archives.key', 'archives.files', 'archives.bytes'] as const),
      ...(['jobs.name as run_job', 'runs.number as run_number'] as const),
    ])
    .where(ofLeg(leg))
    .where('job_states.version', '<', before ?? 2_147_483_647)
    .orderBy('job_states.version', 'desc')
    .limit(limit)
    .execute()
  return rows.map((row) => ({
    ...NOTHING,
    ...whoOf(row),
    version: row.version,
    restored: row.restored,
  }))
}

/** A version of a resource is called by its number. */
const NUMBERED: RawBuilder<boolean> = sql`versions.name ~ '^[0-9]{1,9}$'`

async function versionsOfResource(
  db: Db,
  { resource, lane, of }: OfResource,
  { before, limit }: Page,
): Promise<StateVersion[]> {
  let versions = resourceVersions(db, resource)
    .where('versions.lane_id', '=', lane.id)
    .where(NUMBERED)
    .orderBy('versions.seq', 'desc')
    .limit(limit)
  if (before !== undefined) versions = versions.where(sql<boolean>`versions.name::int < ${before}`)
  const rows = await versions.execute()
  return rows.map((row) => ({
    ...NOTHING,
    ...whoOf(row),
    version: Number(row.name),
    restored: row.restored === null ? null : Number(row.restored),
    fields: fieldsIn(row.body, of),
    folder: 'folder' in row.body ? (row.body.folder ?? null) : null,
    body: row.body,
  }))
}

/** What a person set, without what the version says of itself. */
function fieldsIn(body: VersionBody, of: OfResource['of']): Readonly<Record<string, string>> {
  if (!('fields' in body)) return {}
  if (of === 'params') return body.fields
  const { version: _, ...keys } = body.fields
  return keys
}

const resourceVersions = (db: Db, resource: ResourceId) =>
  db
    .selectFrom('versions')
    .leftJoin('version_edits', 'version_edits.version_id', 'versions.id')
    .leftJoin('folders', (join) =>
      join
        .onRef('folders.resource_id', '=', 'versions.resource_id')
        .on(sql<boolean>`folders.version = versions.body ->> 'folder'`),
    )
    .leftJoin('archives', 'archives.id', 'folders.archive_id')
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('run_outputs')
          .innerJoin('runs', 'runs.id', 'run_outputs.run_id')
          .innerJoin('jobs', 'jobs.id', 'runs.job_id')
          .select(['runs.id as run_id', 'runs.number as run_number', 'jobs.name as run_job'])
          .whereRef('run_outputs.version_id', '=', 'versions.id')
          .orderBy('runs.id')
          .limit(1)
          .as('put'),
      (join) => join.onTrue(),
    )
    .select([
      ...(['versions.name', 'versions.body', 'versions.created_at as made_at'] as const),
      ...(['version_edits.made_by', 'version_edits.reason', 'version_edits.restored'] as const),
      ...(['archives.id as archive_id', 'archives.key', 'archives.files', 'archives.bytes'] as const),
      ...(['put.run_id', 'put.run_number', 'put.run_job'] as const),
    ])
    .where('versions.resource_id', '=', resource)

/** Runs of a job on a lane that are not over yet. */
export async function underWay(db: Db, at: Remembering): Promise<number[]> {
  if (at.of !== 'job') return []
  const rows = await db
    .selectFrom('runs')
    .select('id')
    .where('job_id', '=', at.job)
    .where('lane_id', '=', at.lane.id)
    .where('state', 'in', ['running', 'waiting'])
    .where(
      sql<boolean>`runs.matrix is not distinct from ${at.leg.matrix && JSON.stringify(at.leg.matrix)}::jsonb`,
    )
    .orderBy('id')
    .limit(20)
    .execute()
  return rows.map(({ id }) => id)
}
