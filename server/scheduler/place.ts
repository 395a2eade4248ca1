import { sql } from 'kysely'
import type { JobId, LaneId, PipelineId, ProjectId, ResourceId, RevisionId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { edgesOf, type JobEdges } from '#pipelines/plan/edges.ts'
import type { LaneFact } from '#pipelines/plan/facts.ts'
import { definitionAt, revisionMark } from '../catalog/definitions.ts'
import { pausedWords } from '../catalog/pauses.ts'
import { defaultLane } from '../catalog/queries.ts'
import type { Db, Trx } from '../db/connect.ts'

/** A job on a lane: its edges by the lane's present file, and the names and ids of everything around it. */
export type Place = {
  readonly jobId: JobId
  readonly laneId: LaneId
  /** Where versions live that every lane reads: the default branch's lane; null before the first push to it. */
  readonly sharedLaneId: LaneId | null
  readonly pipelineId: PipelineId
  readonly projectId: ProjectId
  readonly project: string
  readonly pipeline: string
  readonly lane: LaneFact
  /** It is the lane of a pull request that is over: nothing starts there by itself. */
  readonly isOver: boolean
  readonly revisionId: RevisionId
  readonly definition: Pipeline
  readonly edges: JobEdges
  readonly resources: ReadonlyMap<string, ResourceId>
  readonly jobs: ReadonlyMap<string, JobRow>
}
/** `paused` says by whom and why, in words; null when the job goes. */
export type JobRow = { readonly id: JobId; readonly paused: string | null }
type Named = Omit<Place, 'revisionId' | 'definition' | 'edges' | 'resources' | 'jobs'> & {
  readonly job: string
}

/** @returns The place; or the job's name and place alone where the lane's present file has no such job. */
export async function placeOf(db: Db | Trx, job: JobId, lane: LaneId): Promise<Place | Named> {
  const { revision, mark, laneName, laneKind, closedAt, ...ids } = await rowOf(db, job, lane)
  const isOver = laneKind === 'pull_request' && closedAt !== null
  const named = { ...ids, laneId: lane, jobId: job, lane: { name: laneName, kind: laneKind }, isOver }
  const current =
    revision === null || mark === null ? undefined : await definitionAt(db, { id: revision, mark })
  const edges = current && edgesOf(current.definition).jobs.get(ids.job)
  if (!edges) return named
  const around = await namesAround(db, ids.pipelineId, edges)
  return { ...named, revisionId: current.id, definition: current.definition, edges, ...around }
}

const rowOf = (db: Db | Trx, job: JobId, lane: LaneId) =>
  db
    .selectFrom('jobs')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .innerJoin('lanes', 'lanes.pipeline_id', 'pipelines.id')
    .leftJoin('revisions', 'revisions.id', 'lanes.revision_id')
    .leftJoin('lanes as shared', (join) =>
      join.onRef('shared.pipeline_id', '=', 'pipelines.id').on('shared.name', '=', defaultLane),
    )
    .select([
      'jobs.name as job',
      'pipelines.id as pipelineId',
      'pipelines.name as pipeline',
      'projects.id as projectId',
      'projects.name as project',
      'lanes.name as laneName',
      'lanes.kind as laneKind',
      'lanes.closed_at as closedAt',
      'shared.id as sharedLaneId',
      'revisions.id as revision',
      revisionMark.as('mark'),
    ])
    .where('jobs.id', '=', job)
    .where('lanes.id', '=', lane)
    .executeTakeFirstOrThrow()

/** Every resource of the pipeline, and the jobs that this one has to do with. */
async function namesAround(db: Db | Trx, pipeline: PipelineId, edges: JobEdges) {
  const wanted = new Set([edges.job, ...edges.needs, ...edges.producers].map((each) => nameOf(each)))
  const names = [...wanted, ...edges.upstream]
  const { rows } = await sql<{ kind: string; id: number; name: string; paused: string | null }>`
    select 'resource' as kind, id, name, null as paused from resources where pipeline_id = ${pipeline}
    union all
    select 'job', jobs.id, jobs.name,
      ${pausedWords}
    from jobs join pipelines on pipelines.id = jobs.pipeline_id
    where pipeline_id = ${pipeline} and jobs.name = any(${names})`.execute(db)
  const jobs = rows.filter((row) => row.kind === 'job')
  const resources = rows.filter((row) => row.kind === 'resource')
  return {
    resources: new Map(resources.map(({ id, name }) => [name, id as ResourceId])),
    jobs: new Map(jobs.map(({ id, name, paused }): [string, JobRow] => [name, { id: id as JobId, paused }])),
  }
}

const nameOf = (each: JobEdges['job'] | JobEdges['needs'][number] | JobEdges['producers'][number]) =>
  'job' in each ? each.job : each.name

export const isPlanned = (place: Place | Named): place is Place => 'edges' in place

/** Where the versions of a resource live that a job on this lane takes. */
export const laneOfInput = (place: Place, shared: boolean): LaneId =>
  shared ? (place.sharedLaneId ?? place.laneId) : place.laneId
