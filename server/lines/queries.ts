import { sql } from 'kysely'
import type { z } from 'zod'
import type { Access } from '#pipelines/access/roles.ts'
import type { PipelineId, RevisionId } from '#pipelines/ids.ts'
import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import { mayIn } from '../access/grants.ts'
import { definitionAt, revisionMark } from '../catalog/definitions.ts'
import { defaultLane } from '../catalog/queries.ts'
import type { Revision } from '../catalog/shapes.ts'
import type { Db } from '../db/connect.ts'
import { summariesOf } from '../runs/queries.ts'
import type { PipelineList, PipelineView } from './shapes.ts'
import { decree, pauseOf } from './decisions.ts'
import { viewLine } from './view-line.ts'

/** The line itself; who asks is no part of it. */
type View = Omit<z.output<typeof PipelineView>, 'role'>

export const findPipeline = (db: Db, project: string, name: string) =>
  db
    .selectFrom('pipelines')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .select([
      'pipelines.id',
      'pipelines.name',
      'pipelines.path',
      'pipelines.removed_at',
      'projects.id as project_id',
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

export type LaneRow = Awaited<ReturnType<typeof lanesOf>>[number]

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
  const named = await laneOf(db, pipeline.id, wanted ?? laneOfBranch(pipeline.default_branch))
  return named ?? (wanted === undefined ? (await lanesOf(db, pipeline.id))[0] : undefined)
}

/** The line as it stands on one lane: its file, its resources' newest versions, its jobs with their last run or their reason to wait. */
export async function viewPipeline(
  db: Db,
  pipeline: PipelineRow,
  { lane, access }: { readonly lane: LaneRow | null; readonly access: Access },
): Promise<View> {
  const lanes = await lanesOf(db, pipeline.id)
  if (lane && !lanes.some(({ id }) => id === lane.id)) lanes.unshift(lane)
  const revisions = lane ? await revisionsOf(db, [lane.revision_id, lane.newest_revision_id]) : []
  const inForce = revisions.find((revision) => revision.id === lane?.revision_id)
  const newest = revisions.find((revision) => revision.id === lane?.newest_revision_id)
  const definition = inForce && (await definitionAt(db, inForce))?.definition
  return {
    project: pipeline.project,
    name: pipeline.name,
    paused: await pauseOf(db, { of: 'pipeline', id: pipeline.id }),
    removed: pipeline.removed_at?.toISOString() ?? null,
    path: pipeline.path,
    lane: lane?.name ?? null,
    lanes: lanes.map(({ name, touched_at, closed_at }) => ({
      name,
      touched_at: touched_at.toISOString(),
      closed: closed_at !== null,
    })),
    revision: inForce ? toRevision(inForce) : null,
    newest_revision: newest ? toRevision(newest) : null,
    ...(lane && definition
      ? await viewLine(db, { pipeline, lane: lane.id, definition, access })
      : { resources: [], jobs: [] }),
  }
}

/** A definition may be large, and is known once it was read: here it only counts whether there is one. */
const isValid = sql<boolean>`revisions.definition is not null`

async function revisionsOf(db: Db, ids: readonly (RevisionId | null)[]) {
  const wanted = ids.filter((id) => id !== null)
  if (wanted.length === 0) return []
  return db
    .selectFrom('revisions')
    .select([
      'id',
      'sha',
      'source',
      'diagnostics',
      'created_at',
      isValid.as('valid'),
      revisionMark.as('mark'),
    ])
    .where('id', 'in', wanted)
    .execute()
}
type RevisionRow = Awaited<ReturnType<typeof revisionsOf>>[number]

const toRevision = (row: RevisionRow): z.output<typeof Revision> => ({
  id: row.id,
  sha: row.sha,
  valid: row.valid,
  source: row.source,
  diagnostics: row.diagnostics,
  created_at: row.created_at.toISOString(),
})

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

/** Beside a row of `pipelines`: which of its jobs are paused by themselves. */
const pausedJobs = sql<
  string[]
>`array(select name from jobs where pipeline_id = pipelines.id and paused_at is not null order by name)`

/** Every pipeline that somebody sees, with its newest runs. */
export async function listPipelines(db: Db, access: Access): Promise<z.output<typeof PipelineList>['items']> {
  const pipelines = await db
    .selectFrom('pipelines')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .leftJoin('lanes', (join) =>
      join.onRef('lanes.pipeline_id', '=', 'pipelines.id').on('lanes.name', '=', defaultLane),
    )
    .leftJoin('revisions', 'revisions.id', 'lanes.newest_revision_id')
    .leftJoin('users', 'users.id', 'pipelines.paused_by')
    .select([
      'pipelines.id',
      'pipelines.name',
      'projects.name as project',
      isValid.as('valid'),
      'lanes.newest_revision_id',
      'pipelines.removed_at',
      'pipelines.paused_at',
      'pipelines.paused_reason',
      'users.name as paused_by',
      pausedJobs.as('paused_jobs'),
    ])
    .where(mayIn(access, 'viewer'))
    .orderBy('projects.name')
    .orderBy('pipelines.name')
    .execute()
  return Promise.all(
    pipelines.map(async ({ id, name, project, valid: isGood, newest_revision_id, ...row }) => {
      const valid = newest_revision_id === null || isGood
      const paused = decree(row.paused_by, row.paused_reason, row.paused_at)
      const { paused_jobs } = row
      const removed = row.removed_at?.toISOString() ?? null
      return { project, name, valid, paused, removed, paused_jobs, recent_runs: await recentRuns(db, id) }
    }),
  )
}
