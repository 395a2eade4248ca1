import { sql } from 'kysely'
import type { EndingId, JobId, OrganizationId, PipelineId, ResourceId, RunId } from '#pipelines/ids.ts'
import { globList } from '#pipelines/language/glob.ts'
import type { LaneFact } from '#pipelines/plan/facts.ts'
import { isTrusted } from '#pipelines/plan/secrets-in.ts'
import { defaultLane } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { endedLike, newestEnded } from '../db/newest-of.ts'

/** A green end of a job that may be followed. */
export type End = {
  readonly ending: EndingId
  /** What it is called, however often it was retried: the first run of it, of a matrix the first leg. */
  readonly root: RunId
  /** The run that turned it green. */
  readonly run: RunId
  readonly number: number
  readonly state: string
  readonly jobId: JobId
  readonly job: string
  readonly lane: string
  readonly laneKind: LaneFact['kind']
  readonly isDefault: boolean
  readonly pipelineId: PipelineId
  readonly pipeline: string
  readonly project: string
  readonly organization: OrganizationId
}

/** Beside a row of `endings`. */
const root = sql<RunId>`(
  with recursive back (id, before) as (
    select id, coalesce(retry_of, nullif(batch_id, id)) from runs where id = endings.run_id
    union
    select runs.id, coalesce(runs.retry_of, nullif(runs.batch_id, runs.id)) from runs join back on runs.id = back.before
  ) select min(id) from back)`

const ends = (db: Db) =>
  db
    .selectFrom('endings')
    .innerJoin('runs', 'runs.id', 'endings.run_id')
    .innerJoin('jobs', 'jobs.id', 'endings.job_id')
    .innerJoin('lanes', 'lanes.id', 'endings.lane_id')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .select([
      'endings.id as ending',
      root.as('root'),
      'runs.id as run',
      'runs.number',
      'runs.state',
      'jobs.id as jobId',
      'jobs.name as job',
      'lanes.name as lane',
      'lanes.kind as laneKind',
      sql<boolean>`lanes.name = ${defaultLane}`.as('isDefault'),
      'pipelines.id as pipelineId',
      'pipelines.name as pipeline',
      'projects.name as project',
      'projects.organization_id as organization',
    ])

/** Undefined where its history was deleted meanwhile. */
export const endOf = (db: Db, ending: EndingId): Promise<End | undefined> =>
  ends(db).where('endings.id', '=', ending).where('endings.how', '=', 'success').executeTakeFirst()

/** Who follows a job, from where. */
export type Follower = {
  readonly resource: ResourceId
  readonly name: string
  readonly pipelineId: PipelineId
  readonly pipeline: string
  readonly project: string
  readonly organization: OrganizationId
  readonly upstream: { readonly project: string; readonly pipeline: string; readonly job: string }
  readonly lanes: readonly string[]
}

const followers = (db: Db) =>
  db
    .selectFrom('followed_jobs')
    .innerJoin('resources', 'resources.id', 'followed_jobs.resource_id')
    .innerJoin('pipelines', 'pipelines.id', 'resources.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .select([
      'resources.id as resource',
      'resources.name',
      'pipelines.id as pipelineId',
      'pipelines.name as pipeline',
      'projects.name as project',
      'projects.organization_id as organization',
      'followed_jobs.lanes',
      sql<Follower['upstream']>`json_build_object('project', followed_jobs.project,
        'pipeline', followed_jobs.pipeline, 'job', followed_jobs.job)`.as('upstream'),
    ])
    .orderBy('resources.id')

export const followersOf = (db: Db, { project, pipeline, job }: End): Promise<Follower[]> =>
  followers(db)
    .where('followed_jobs.project', '=', project)
    .where('followed_jobs.pipeline', '=', pipeline)
    .where('followed_jobs.job', '=', job)
    .execute()

/** Those whose upstream's newest end is to be looked for. */
export const newFollowers = (db: Db): Promise<Follower[]> =>
  followers(db)
    .where('followed_jobs.looks_left', '>', 0)
    .where('followed_jobs.look_at', '<=', sql<Date>`now()`)
    .limit(50)
    .execute()

/**
 * Whether an end is one for a follower. Only within an organization: who may commit a file there is trusted with what is told of a
 * green end, and nobody else is. What was passed through made nothing, and a pull request starts nothing elsewhere.
 */
export function concerns(end: End, follower: Follower): boolean {
  if (end.organization !== follower.organization || end.pipelineId === follower.pipelineId) return false
  return end.state !== 'skipped' && isFollowed(end, follower)
}

type Lane = Pick<End, 'lane' | 'laneKind' | 'isDefault'>
const isFollowed = ({ lane, laneKind, isDefault }: Lane, { lanes }: Pick<Follower, 'lanes'>): boolean =>
  isTrusted(laneKind) && (lanes.length === 0 ? isDefault : globList(lanes)(lane))

/** How many lanes are looked through for the newest end, those touched last first. */
const MOST_LANES = 100
/** How many ends of a lane: those passed through are none. */
const MOST_ENDS = 20

/** The newest end for a follower; null where there is none yet. */
export async function newestEnd(db: Db, follower: Follower): Promise<End | null> {
  const { upstream } = follower
  const lanes = await db
    .selectFrom('lanes')
    .innerJoin('pipelines', 'pipelines.id', 'lanes.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .innerJoin('jobs', 'jobs.pipeline_id', 'pipelines.id')
    .select(['jobs.id as job', 'lanes.id', 'lanes.name as lane', 'lanes.kind as laneKind'])
    .select(sql<boolean>`lanes.name = ${defaultLane}`.as('isDefault'))
    .where('projects.name', '=', upstream.project)
    .where('pipelines.name', '=', upstream.pipeline)
    .where('jobs.name', '=', upstream.job)
    .where('lanes.kind', '<>', 'pull_request')
    .orderBy(sql`lanes.name = ${defaultLane}`, 'desc')
    .orderBy('lanes.touched_at', 'desc')
    .limit(MOST_LANES)
    .execute()
  const found: End[] = []
  for (const { job, id } of lanes.filter((lane) => isFollowed(lane, follower))) {
    const newest = await ends(db)
      .where(
        sql<boolean>`endings.id in (select id from endings where ${endedLike(job, id, sql`'success'`)}
          order by ${newestEnded} limit ${MOST_ENDS})`,
      )
      .orderBy('endings.id', 'desc')
      .execute()
    found.push(...newest.filter((end) => concerns(end, follower)).slice(0, 1))
  }
  return found.toSorted((a, b) => b.ending - a.ending)[0] ?? null
}
