import { sql } from 'kysely'
import type { Access } from '#pipelines/access/roles.ts'
import type { JobId, PipelineId, ProjectId, RepositoryId } from '#pipelines/ids.ts'
import { laneKindOf, laneOf, LIKE_ANOTHER } from '#pipelines/plan/lanes.ts'
import { mayIn } from '../access/grants.ts'
import type { Db, Trx } from '../db/connect.ts'

export type ProjectRow = Awaited<ReturnType<typeof listProjects>>[number]

const projects = (db: Db | Trx) =>
  db
    .selectFrom('projects')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .innerJoin('organizations', 'organizations.id', 'projects.organization_id')
    .select((eb) => [
      'projects.id',
      'projects.name',
      'projects.created_at',
      'projects.organization_id',
      'projects.public',
      'organizations.name as organization',
      'repositories.id as repository_id',
      'repositories.kind',
      'repositories.url',
      'repositories.default_branch',
      sql<
        string[]
      >`array(${eb.selectFrom('pipelines').select('pipelines.name').whereRef('pipelines.project_id', '=', 'projects.id').orderBy('pipelines.name')})`.as(
        'pipelines',
      ),
    ])

/** The projects that somebody sees, by name. */
export const listProjects = (db: Db, access: Access) =>
  projects(db).where(mayIn(access, 'viewer')).orderBy('projects.name').execute()
export const findProject = (db: Db | Trx, name: string) =>
  projects(db).where('projects.name', '=', name).executeTakeFirst()

/** The projects whose configuration lies in a repository. */
export const projectsOf = (db: Db | Trx, repository: RepositoryId) =>
  projects(db).where('projects.repository_id', '=', repository).orderBy('projects.id').execute()

export const findRepository = (db: Db | Trx, id: RepositoryId) =>
  db.selectFrom('repositories').selectAll().where('id', '=', id).executeTakeFirst()

export async function ensurePipeline(
  db: Trx,
  pipeline: { project: ProjectId; name: string; path: string },
): Promise<PipelineId> {
  const row = await db
    .insertInto('pipelines')
    .values({ project_id: pipeline.project, name: pipeline.name, path: pipeline.path })
    .onConflict((oc) => oc.columns(['project_id', 'name']).doUpdateSet({ path: pipeline.path }))
    .returning('id')
    .executeTakeFirstOrThrow()
  return row.id
}

/** The lane of a ref, made on first sight, touched and open again. The row stays locked: one writer a lane at a time. */
export function touchLane(db: Trx, pipeline: PipelineId, ref: string) {
  const name = laneOf(ref)
  if (name === null) throw new Error(`${ref} has no lane`)
  return db
    .insertInto('lanes')
    .values({
      pipeline_id: pipeline,
      name,
      kind: laneKindOf(ref),
      revision_id: null,
      newest_revision_id: null,
      closed_at: null,
    })
    .onConflict((oc) =>
      oc.columns(['pipeline_id', 'name']).doUpdateSet({ touched_at: sql<Date>`now()`, closed_at: null }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** The lanes whose branch, tag or pull request is still there, each with the file in force. */
export const openLanes = (db: Trx, pipeline: PipelineId) =>
  db
    .selectFrom('lanes')
    .select(['id', 'revision_id'])
    .where('pipeline_id', '=', pipeline)
    .where('closed_at', 'is', null)
    .execute()

/** A lane as it stands, neither touched nor opened, its row locked; undefined when nothing was pushed to it. */
export const lockLane = (
  db: Trx,
  project: ProjectId,
  { pipeline, lane }: { pipeline: string; lane: string },
) =>
  db
    .selectFrom('lanes')
    .innerJoin('pipelines', 'pipelines.id', 'lanes.pipeline_id')
    .select(['lanes.id', 'lanes.pipeline_id'])
    .where('pipelines.project_id', '=', project)
    .where('pipelines.name', '=', pipeline)
    .where('lanes.name', '=', lane)
    .forNoKeyUpdate('lanes')
    .executeTakeFirst()

/** Beside a row of `repositories`: the lane of its default branch, as `laneOfBranch` names it. */
export const defaultLane = sql<string>`case when repositories.default_branch ~ ${sql.lit(LIKE_ANOTHER)}
  then 'heads/' || repositories.default_branch else repositories.default_branch end`

/** Beside a row of `repositories`: a project was added with it, so that our credentials for its forge may be used. */
export const ofProject = sql<boolean>`exists (select from projects where projects.repository_id = repositories.id)`

/** The jobs of these names, as far as the pipeline ever had them. */
export async function namedJobs(
  db: Db | Trx,
  pipeline: PipelineId,
  names: readonly string[],
): Promise<ReadonlyMap<string, JobId>> {
  if (names.length === 0) return new Map()
  const rows = await db
    .selectFrom('jobs')
    .select(['id', 'name'])
    .where('pipeline_id', '=', pipeline)
    .where('name', 'in', [...new Set(names)])
    .execute()
  return new Map(rows.map(({ id, name }) => [name, id]))
}
