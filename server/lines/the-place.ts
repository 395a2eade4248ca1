import type { LaneId, ResourceId, VersionId } from '#pipelines/ids.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import { definitionOf } from '../catalog/definitions.ts'
import type { Db } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import { escaped, LEAST_LETTERS, oneName } from './find-versions.ts'
import { findPipeline, laneOf, type PipelineRow } from './queries.ts'

/** @throws {Problem} `pipeline-not-found`. */
export async function thePipeline(db: Db, project: string, pipeline: string): Promise<PipelineRow> {
  const found = await findPipeline(db, project, pipeline)
  if (!found)
    throw new Problem(
      'pipeline-not-found',
      `there is no pipeline \`${pipeline}\` in a project \`${project}\``,
    )
  return found
}

/** The lane of this name; without a name the default branch's. @throws {Problem} `lane-not-found`. */
export async function theLane(db: Db, pipeline: PipelineRow, name: string | undefined) {
  const wanted = name ?? laneOfBranch(pipeline.default_branch)
  const lane = await laneOf(db, pipeline.id, wanted)
  if (!lane)
    throw new Problem('lane-not-found', `there is no lane \`${wanted}\`: nothing was pushed to it yet`)
  return lane
}

type Pipeline = Pick<PipelineRow, 'id' | 'name' | 'project'>

/** @throws {Problem} `job-not-found`. */
export async function theJob(db: Db, pipeline: Pipeline, name: string) {
  const row = await db
    .selectFrom('jobs')
    .select(['id', 'name'])
    .where('pipeline_id', '=', pipeline.id)
    .where('name', '=', name)
    .executeTakeFirst()
  if (!row)
    throw new Problem('job-not-found', `there is no job \`${name}\` in ${pipeline.project}/${pipeline.name}`)
  return row
}

/** @throws {Problem} `resource-not-found`. */
export async function theResource(db: Db, pipeline: Pipeline, name: string) {
  const row = await db
    .selectFrom('resources')
    .select(['id', 'name', 'kind'])
    .where('pipeline_id', '=', pipeline.id)
    .where('name', '=', name)
    .executeTakeFirst()
  if (!row)
    throw new Problem(
      'resource-not-found',
      `there is no resource \`${name}\` in ${pipeline.project}/${pipeline.name}`,
    )
  return row
}

type At = { readonly pipeline: PipelineRow; readonly lane: LaneId; readonly resource: string }

/** The lane on which a resource's versions live that jobs on this lane take: what comes from outside lives on the default branch's. */
export async function homeLane(db: Db, { pipeline, lane, resource }: At): Promise<LaneId> {
  const current = await definitionOf(db, lane)
  const inputs = current ? [...edgesOf(current.definition).jobs.values()].flatMap((job) => job.inputs) : []
  if (!inputs.some((input) => input.resource === resource && input.shared)) return lane
  return (await laneOf(db, pipeline.id, laneOfBranch(pipeline.default_branch)))?.id ?? lane
}

type Called = { readonly name: string; readonly lane: LaneId; readonly resource: ResourceId | null }

/**
 * The versions on a lane that are called so, or whose names begin so: of one resource, or one of each.
 *
 * @throws {Problem} `version-not-found` or `version-ambiguous`.
 */
export async function theVersions(db: Db, { resource, lane, name }: Called): Promise<VersionId[]> {
  let versions = db.selectFrom('versions').select(['id', 'name']).where('lane_id', '=', lane)
  if (resource !== null) versions = versions.where('resource_id', '=', resource)
  const rows = await versions
    .where('name', 'like', name.length < LEAST_LETTERS ? escaped(name) : `${escaped(name)}%`)
    .orderBy((eb) => eb('name', '=', name), 'desc')
    .orderBy('id', 'desc')
    .limit(MOST_CALLED)
    .execute()
  return oneName(rows, name).map(({ id }) => id)
}
const MOST_CALLED = 100

/** @throws {Problem} `version-not-found` or `version-ambiguous`. */
export async function theVersion(
  db: Db,
  called: Called & { readonly resource: ResourceId },
): Promise<VersionId> {
  const [id] = await theVersions(db, called)
  if (id === undefined) throw new Problem('version-not-found', `no version here is called \`${called.name}\``)
  return id
}
