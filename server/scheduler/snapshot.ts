import { sql } from 'kysely'
import type { JobId, LaneId, PipelineId, ResourceId, RevisionId, RunId } from '#pipelines/ids.ts'
import type { Job, Pipeline } from '#pipelines/language/pipeline.ts'
import { inputsOf } from '#pipelines/plan/graph.ts'
import type { Taken } from '#pipelines/plan/rank.ts'
import type { GreenFact, InputFact, NeedFact, Snapshot, VersionFact } from '#pipelines/plan/snapshot.ts'
import { definitionOf } from '../catalog/queries.ts'
import type { Db, Trx } from '../db/connect.ts'

/** How far back a lane is looked at: what is older waits to be run by hand. */
const HORIZON = 100

/** A job on a lane with all the planner may know of it, and the names and ids to act on its answer. */
export type Planned = {
  readonly snapshot: Snapshot
  readonly job: Job
  readonly revisionId: RevisionId
  readonly resourceIds: ReadonlyMap<string, ResourceId>
  readonly place: { readonly project: string; readonly pipeline: string; readonly lane: string }
}

/** @returns Null when the lane's present file has no such job. */
export async function loadSnapshot(db: Db | Trx, jobId: JobId, laneId: LaneId): Promise<Planned | null> {
  const at = await placeOf(db, jobId, laneId)
  const current = await definitionOf(db, laneId)
  const job = current?.definition.jobs.find((candidate) => candidate.name === at.job)
  if (!current || !job) return null
  const resourceIds = await resourcesOf(db, at.pipelineId)
  const taken = await takenSet(db, jobId, laneId)
  const inputs = await inputFacts(db, { definition: current.definition, job, laneId, resourceIds, taken })
  // One after the other: in a transaction all queries share one connection.
  const needs: NeedFact[] = []
  for (const need of job.needs) needs.push(await needFact(db, at.pipelineId, laneId, need))
  return {
    snapshot: { job: job.name, inputs, needs, taken },
    job,
    revisionId: current.id,
    resourceIds,
    place: { project: at.project, pipeline: at.pipeline, lane: at.lane },
  }
}

const placeOf = (db: Db | Trx, jobId: JobId, laneId: LaneId) =>
  db
    .selectFrom('jobs')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('lanes', 'lanes.pipeline_id', 'pipelines.id')
    .select([
      'jobs.name as job',
      'pipelines.id as pipelineId',
      'pipelines.name as pipeline',
      'projects.name as project',
      'lanes.name as lane',
    ])
    .where('jobs.id', '=', jobId)
    .where('lanes.id', '=', laneId)
    .executeTakeFirstOrThrow()

async function resourcesOf(db: Db | Trx, pipeline: PipelineId): Promise<ReadonlyMap<string, ResourceId>> {
  const rows = await db
    .selectFrom('resources')
    .select(['id', 'name'])
    .where('pipeline_id', '=', pipeline)
    .execute()
  return new Map(rows.map((row) => [row.name, row.id]))
}

/** The newest input set that the job took by itself on this lane. Such runs only go upwards, so it is the last one's. */
async function takenSet(db: Db | Trx, job: JobId, lane: LaneId): Promise<Taken | null> {
  const last = await db
    .selectFrom('runs')
    .select('id')
    .where('job_id', '=', job)
    .where('lane_id', '=', lane)
    .where('automatic', '=', true)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!last) return null
  const versions = (await versionsOf(db, [last.id])).get(last.id) ?? {}
  return Object.fromEntries(Object.entries(versions).map(([resource, version]) => [resource, version.seq]))
}

type Wanted = {
  readonly definition: Pipeline
  readonly job: Job
  readonly laneId: LaneId
  readonly resourceIds: ReadonlyMap<string, ResourceId>
  readonly taken: Taken | null
}

/** The job's inputs in the order of the file's resources, so that a set's rank means the same from run to run. */
async function inputFacts(
  db: Db | Trx,
  { definition, job, laneId, resourceIds, taken }: Wanted,
): Promise<InputFact[]> {
  const consumed = inputsOf(definition, job.name)
  const names = definition.resources.map((resource) => resource.name).filter((name) => consumed.has(name))
  const facts: InputFact[] = []
  for (const resource of names) {
    facts.push({
      resource,
      trigger: job.gets.find((get) => get.resource === resource)?.trigger ?? false,
      via: consumed.get(resource) ?? [],
      versions: await newestVersions(db, {
        resource: resourceIds.get(resource),
        laneId,
        newerThan: taken?.[resource] ?? 0,
      }),
    })
  }
  return facts
}

/** Newest first: all that are newer than `newerThan` within the horizon, and the newest in any case. */
async function newestVersions(
  db: Db | Trx,
  { resource, laneId, newerThan }: { resource: ResourceId | undefined; laneId: LaneId; newerThan: number },
): Promise<VersionFact[]> {
  if (resource === undefined) return []
  const rows = await db
    .selectFrom('versions')
    .select(['id', 'seq', 'name'])
    .where('resource_id', '=', resource)
    .where('lane_id', '=', laneId)
    .orderBy('seq', 'desc')
    .limit(HORIZON)
    .execute()
  return rows.filter((row, index) => index === 0 || row.seq > newerThan)
}

async function needFact(
  db: Db | Trx,
  pipeline: PipelineId,
  lane: LaneId,
  need: Job['needs'][number],
): Promise<NeedFact> {
  const job = await db
    .selectFrom('jobs')
    .select('id')
    .where('pipeline_id', '=', pipeline)
    .where('name', '=', need.job)
    .executeTakeFirst()
  if (!job) return { job: need.job, trigger: need.trigger, greens: [], newest: null }
  const green = await db
    .selectFrom('passed')
    .select('run_id')
    .where('job_id', '=', job.id)
    .where('lane_id', '=', lane)
    .orderBy('run_id', 'desc')
    .limit(HORIZON)
    .execute()
  const newest = await db
    .selectFrom('runs')
    .select(['id', 'state'])
    .where('job_id', '=', job.id)
    .where('lane_id', '=', lane)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  const versions = await versionsOf(db, [...green.map((row) => row.run_id), ...(newest ? [newest.id] : [])])
  const greens = green.map((row): GreenFact => ({
    run: row.run_id,
    versions: versions.get(row.run_id) ?? {},
  }))
  return {
    job: need.job,
    trigger: need.trigger,
    greens: oneEach(greens),
    newest: newest ? { versions: versions.get(newest.id) ?? {}, state: newest.state } : null,
  }
}

/** A set that several runs turned green (retries) counts once: its newest run vouches. */
function oneEach(greens: readonly GreenFact[]): GreenFact[] {
  const seen = new Map<string, GreenFact>()
  for (const green of greens) {
    const key = Object.entries(green.versions)
      .map(([resource, version]) => `${resource}:${version.id}`)
      .join(' ')
    if (!seen.has(key)) seen.set(key, green)
  }
  return [...seen.values()]
}

/** The versions each of these runs was created with, by resource. */
async function versionsOf(db: Db | Trx, runs: readonly RunId[]) {
  const byRun = new Map<RunId, Record<string, VersionFact>>()
  if (runs.length === 0) return byRun
  const rows = await db
    .selectFrom('run_inputs')
    .innerJoin('versions', 'versions.id', 'run_inputs.version_id')
    .innerJoin('resources', 'resources.id', 'run_inputs.resource_id')
    .select([
      'run_inputs.run_id',
      'resources.name as resource',
      'versions.id',
      'versions.seq',
      'versions.name',
    ])
    .where('run_inputs.run_id', 'in', [...runs])
    .execute()
  for (const { run_id, resource, ...version } of rows) {
    byRun.set(run_id, { ...byRun.get(run_id), [resource]: version })
  }
  return byRun
}

/** The jobs that must be looked at, locked for this transaction; other servers take others. */
export const takeDirty = (db: Trx, limit: number) =>
  db
    .selectFrom('dirty_jobs')
    .select(['job_id', 'lane_id', 'requested'])
    .where('requested', '>', sql<number>`served`)
    .orderBy('job_id')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .execute()
