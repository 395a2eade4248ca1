import { sql } from 'kysely'
import type { LaneId, PipelineId, ProjectId, VersionId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { Problem } from '../problem.ts'

/** As many letters of a name as two versions of a project seldom share. */
export const LEAST_LETTERS = 4
/** A commit is a version of every resource and lane that it was pushed to. */
const MOST_ROWS = 200

/**
 * The versions of a project that are called so, or whose names begin so; of several names none.
 *
 * @throws {Problem} `version-not-found`, or `version-ambiguous` with the names that there are.
 */
export async function versionsCalled(db: Db, project: ProjectId, beginning: string) {
  const rows = await db
    .selectFrom('versions')
    .innerJoin('resources', 'resources.id', 'versions.resource_id')
    .innerJoin('pipelines', 'pipelines.id', 'resources.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('lanes', 'lanes.id', 'versions.lane_id')
    .leftJoin('users', 'users.id', 'versions.disabled_by')
    .select([
      'versions.id',
      'versions.name',
      'versions.body',
      'versions.seq',
      'versions.resource_id',
      'versions.lane_id',
      'versions.created_at',
      'versions.left_at',
      'versions.disabled_at',
      'versions.disabled_reason',
      'users.name as disabled_by',
      'resources.name as resource',
      'pipelines.id as pipeline_id',
      'pipelines.name as pipeline',
      'lanes.name as lane',
      sql<boolean>`resources.repository_id is distinct from projects.repository_id`.as('foreign'),
    ])
    .where('projects.id', '=', project)
    .where('versions.name', 'like', `${escaped(beginning)}%`)
    .orderBy(sql`versions.name <> ${beginning}`)
    .orderBy('versions.id', 'desc')
    .limit(MOST_ROWS)
    .execute()
  return oneName(rows, beginning)
}
export type FoundVersion = Awaited<ReturnType<typeof versionsCalled>>[number]

/**
 * Of rows that begin alike those of one name: the whole one's, or the only one's.
 *
 * @throws {Problem} `version-not-found` or `version-ambiguous`.
 */
export function oneName<Row extends { readonly name: string }>(
  rows: readonly Row[],
  beginning: string,
): Row[] {
  const names = [...new Set(rows.map((row) => row.name))]
  const chosen = names.find((name) => name === beginning) ?? names[0]
  if (chosen === undefined)
    throw new Problem('version-not-found', `no version here is called \`${beginning}\``)
  if (names.length > 1 && chosen !== beginning) throw ambiguous(beginning, names)
  return rows.filter((row) => row.name === chosen)
}

/** A text of which LIKE takes every letter as it is. */
export const escaped = (text: string) => text.replaceAll(/[\\%_]/g, '\\$&')

const MOST_NAMED = 5
function ambiguous(beginning: string, names: readonly string[]): Problem {
  const named = names.slice(0, MOST_NAMED).join(', ')
  const more = names.length > MOST_NAMED ? ' and others' : ''
  const hint = 'write more of its name'
  return new Problem('version-ambiguous', `\`${beginning}\` could be ${named}${more}`, { hint })
}

/** What came of versions, all the way, newest first. */
export const cameOf = (db: Db, origins: readonly VersionId[]) =>
  db
    .selectFrom('version_origins')
    .innerJoin('versions', 'versions.id', 'version_origins.version_id')
    .innerJoin('resources', 'resources.id', 'versions.resource_id')
    .innerJoin('lanes', 'lanes.id', 'versions.lane_id')
    .innerJoin('pipelines', 'pipelines.id', 'resources.pipeline_id')
    .distinct()
    .select([
      'versions.id',
      'versions.lane_id',
      'lanes.name as lane',
      'pipelines.id as pipeline_id',
      'pipelines.name as pipeline',
    ])
    .where('version_origins.origin_id', 'in', [...origins])
    .orderBy('versions.id', 'desc')
    .limit(MOST_ROWS)
    .execute()

const MOST_LANES = 20
/** Other lanes that may have taken a version that every lane reads. */
export const otherLanes = (db: Db, pipeline: PipelineId, own: LaneId) =>
  db
    .selectFrom('lanes')
    .innerJoin('pipelines', 'pipelines.id', 'lanes.pipeline_id')
    .select([
      'lanes.id as lane_id',
      'lanes.name as lane',
      'pipelines.id as pipeline_id',
      'pipelines.name as pipeline',
    ])
    .where('lanes.pipeline_id', '=', pipeline)
    .where('lanes.id', '<>', own)
    .orderBy('lanes.touched_at', 'desc')
    .limit(MOST_LANES)
    .execute()
