import { sql } from 'kysely'
import type { z } from 'zod'
import type { JobId, LaneId, PipelineId, RevisionId, RunId } from '#pipelines/ids.ts'
import { isGit } from '#pipelines/language/resource.ts'
import type { Revision } from '../catalog/shapes.ts'
import type { Db } from '../db/connect.ts'
import { commitWords, placedRuns, summaries, toSummary } from '../runs/queries.ts'
import type { PipelineList, PipelineView } from './shapes.ts'

type View = z.output<typeof PipelineView>

export const findPipeline = (db: Db, project: string, name: string) =>
  db
    .selectFrom('pipelines')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .select([
      'pipelines.id',
      'pipelines.name',
      'pipelines.path',
      'projects.name as project',
      'repositories.default_branch',
    ])
    .where('projects.name', '=', project)
    .where('pipelines.name', '=', name)
    .executeTakeFirst()
export type PipelineRow = NonNullable<Awaited<ReturnType<typeof findPipeline>>>

/** The lane of this name, however many others there are. */
export const laneOf = (db: Db, pipeline: PipelineId, name: string) =>
  db
    .selectFrom('lanes')
    .selectAll()
    .where('pipeline_id', '=', pipeline)
    .where('name', '=', name)
    .executeTakeFirst()

/** Lanes to choose from: those whose branch or tag is still there first, the one touched last first; a hundred at most. */
export const lanesOf = (db: Db, pipeline: PipelineId) =>
  db
    .selectFrom('lanes')
    .selectAll()
    .where('pipeline_id', '=', pipeline)
    .orderBy(sql`closed_at is not null`)
    .orderBy('touched_at', 'desc')
    .limit(100)
    .execute()

type LaneRow = Awaited<ReturnType<typeof lanesOf>>[number]

/**
 * The lane of this name; without a name the default branch's, else the one touched last.
 *
 * @returns Undefined when there is no such lane; without a name, when there is none at all.
 */
export async function chosenLane(
  db: Db,
  pipeline: PipelineRow,
  wanted: string | undefined,
): Promise<LaneRow | undefined> {
  const named = await laneOf(db, pipeline.id, wanted ?? pipeline.default_branch)
  return named ?? (wanted === undefined ? (await lanesOf(db, pipeline.id))[0] : undefined)
}

/** The line as it stands on one lane: its file, its resources' newest versions, its jobs with their last run or their reason to wait. */
export async function viewPipeline(db: Db, pipeline: PipelineRow, lane: LaneRow | null): Promise<View> {
  const lanes = await lanesOf(db, pipeline.id)
  if (lane && !lanes.some(({ id }) => id === lane.id)) lanes.unshift(lane)
  const revisions = lane ? await revisionsOf(db, [lane.revision_id, lane.newest_revision_id]) : []
  const inForce = revisions.find((revision) => revision.id === lane?.revision_id)
  const newest = revisions.find((revision) => revision.id === lane?.newest_revision_id)
  const definition = inForce?.definition
  return {
    project: pipeline.project,
    name: pipeline.name,
    path: pipeline.path,
    lane: lane?.name ?? null,
    lanes: lanes.map(({ name, touched_at, closed_at }) => ({
      name,
      touched_at: touched_at.toISOString(),
      closed: closed_at !== null,
    })),
    revision: inForce ? toRevision(inForce) : null,
    newest_revision: newest ? toRevision(newest) : null,
    resources: lane && definition ? await resourcesAt(db, pipeline.id, lane.id, definition) : [],
    jobs: lane && definition ? await jobsAt(db, pipeline.id, lane.id, definition) : [],
  }
}

async function revisionsOf(db: Db, ids: readonly (RevisionId | null)[]) {
  const wanted = ids.filter((id) => id !== null)
  if (wanted.length === 0) return []
  return db.selectFrom('revisions').selectAll().where('id', 'in', wanted).execute()
}
type RevisionRow = Awaited<ReturnType<typeof revisionsOf>>[number]

const toRevision = (row: RevisionRow): z.output<typeof Revision> => ({
  id: row.id,
  sha: row.sha,
  valid: row.definition !== null,
  source: row.source,
  diagnostics: row.diagnostics,
  created_at: row.created_at.toISOString(),
})

type Definition = NonNullable<RevisionRow['definition']>

async function resourcesAt(
  db: Db,
  pipeline: PipelineId,
  lane: LaneId,
  definition: Definition,
): Promise<View['resources']> {
  const newest = await db
    .selectFrom('versions')
    .innerJoin('resources', 'resources.id', 'versions.resource_id')
    .distinctOn('resources.name')
    .select([
      'resources.name as resource',
      'versions.name',
      'versions.body',
      'versions.created_at',
      'versions.forced',
    ])
    .where('resources.pipeline_id', '=', pipeline)
    .where('versions.lane_id', '=', lane)
    .where('versions.left_at', 'is', null)
    .orderBy('resources.name')
    .orderBy('versions.seq', 'desc')
    .execute()
  return definition.resources.filter(isGit).map(({ name, kind, repository, branch }) => {
    const version = newest.find((row) => row.resource === name)
    const words = version && {
      name: version.name,
      ...commitWords(version.body),
      forced: version.forced,
      created_at: version.created_at.toISOString(),
    }
    return { name, kind, repository, branch, newest: words ?? null }
  })
}

async function jobsAt(
  db: Db,
  pipeline: PipelineId,
  lane: LaneId,
  definition: Definition,
): Promise<View['jobs']> {
  const ids = await db.selectFrom('jobs').select(['id', 'name']).where('pipeline_id', '=', pipeline).execute()
  const last = await lastRuns(
    db,
    ids.map((job) => job.id),
    lane,
  )
  const waits = await db
    .selectFrom('waits')
    .innerJoin('jobs', 'jobs.id', 'waits.job_id')
    .select(['jobs.name', 'waits.reason'])
    .where('waits.lane_id', '=', lane)
    .execute()
  return definition.jobs.map(({ name, gets, needs, image }) => ({
    name,
    gets: gets.map(({ resource, trigger }) => ({ resource, trigger })),
    needs: needs.map(({ job, trigger }) => ({ job, trigger })),
    image,
    last_run: last.find((run) => run.job === name) ?? null,
    waiting: waits.find((wait) => wait.name === name)?.reason ?? null,
  }))
}

/** The newest run of each job on a lane: one index probe a job, however long its history. */
async function lastRuns(db: Db, jobs: readonly JobId[], lane: LaneId) {
  if (jobs.length === 0) return []
  const newest = await db
    .selectFrom('jobs')
    .innerJoinLateral(
      (eb) =>
        eb
          .selectFrom('runs')
          .select('runs.id')
          .whereRef('runs.job_id', '=', 'jobs.id')
          .where('runs.lane_id', '=', lane)
          .orderBy('runs.id', 'desc')
          .limit(1)
          .as('newest'),
      (join) => join.onTrue(),
    )
    .select('newest.id')
    .where('jobs.id', 'in', [...jobs])
    .execute()
  return summariesOf(
    db,
    newest.map((row) => row.id),
  )
}

/** The newest runs of a pipeline, whatever job and lane: a few index probes a job. */
async function recentRuns(db: Db, pipeline: PipelineId) {
  const newest = await db
    .selectFrom('jobs')
    .innerJoinLateral(
      (eb) =>
        eb
          .selectFrom('runs')
          .select('runs.id')
          .whereRef('runs.job_id', '=', 'jobs.id')
          .orderBy('runs.id', 'desc')
          .limit(RECENT)
          .as('newest'),
      (join) => join.onTrue(),
    )
    .select('newest.id')
    .where('jobs.pipeline_id', '=', pipeline)
    .orderBy('newest.id', 'desc')
    .limit(RECENT)
    .execute()
  return summariesOf(
    db,
    newest.map((row) => row.id),
  )
}
const RECENT = 10

/** These runs, newest first. */
async function summariesOf(db: Db, ids: readonly RunId[]) {
  if (ids.length === 0) return []
  const rows = await summaries(placedRuns(db).where('runs.id', 'in', [...ids]))
    .orderBy('runs.id', 'desc')
    .execute()
  return rows.map(toSummary)
}

/** Every pipeline with its newest runs. */
export async function listPipelines(db: Db): Promise<z.output<typeof PipelineList>['items']> {
  const pipelines = await db
    .selectFrom('pipelines')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .leftJoin('lanes', (join) =>
      join
        .onRef('lanes.pipeline_id', '=', 'pipelines.id')
        .onRef('lanes.name', '=', 'repositories.default_branch'),
    )
    .leftJoin('revisions', 'revisions.id', 'lanes.newest_revision_id')
    .select([
      'pipelines.id',
      'pipelines.name',
      'projects.name as project',
      'revisions.definition',
      'lanes.newest_revision_id',
    ])
    .orderBy('projects.name')
    .orderBy('pipelines.name')
    .execute()
  return Promise.all(
    pipelines.map(async ({ id, name, project, definition, newest_revision_id }) => {
      const valid = newest_revision_id === null || definition !== null
      return { project, name, valid, recent_runs: await recentRuns(db, id) }
    }),
  )
}
