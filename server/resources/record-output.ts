import { sql } from 'kysely'
import type { JobId, LaneId, PipelineId, ResourceId, RunId, VersionId } from '#pipelines/ids.ts'
import { definitionOf } from '../catalog/definitions.ts'
import type { Trx } from '../db/connect.ts'
import type { VersionBody } from '../db/schema.ts'
import { storable, toJson } from '../db/to-json.ts'
import type { Tx } from '../db/transact.ts'
import { STEP } from './order.ts'
import { triggerByVersions } from './record-version.ts'

/** The run that puts something, as whoever hears of it knows it. */
export type Putting = {
  readonly id: RunId
  readonly job_id: JobId
  readonly lane_id: LaneId
  readonly pipeline_id: PipelineId
  readonly project: string
  readonly pipeline: string
  readonly lane: string
}
export type Output = {
  readonly resource: string
  /** What the version is called, the same whenever it is put: a digest, `1.4.2`. */
  readonly name: string
  readonly body: VersionBody
}

/**
 * A run has put a version: it is the newest of its resource on the run's lane, comes of what the run was created with, and starts
 * the jobs that get it, at once. Told twice, or put by two runs, it is noted once, and each run has put it.
 *
 * @returns The version's id.
 * @throws {Error} When the pipeline never had such a resource: the plan named it, so that is our fault.
 */
export async function recordOutput(tx: Tx, run: Putting, output: Output): Promise<VersionId> {
  const resource = await resourceOf(tx.db, run, output)
  await lockLaneRow(tx.db, run.lane_id)
  const { id, isNew } = await versionOf(tx.db, run, { ...output, resource })
  await tx.db
    .insertInto('run_outputs')
    .values({ run_id: run.id, resource_id: resource, version_id: id })
    .onConflict((oc) => oc.columns(['run_id', 'resource_id']).doUpdateSet({ version_id: id }))
    .execute()
  await noteOrigins(tx.db, run.id, id)
  if (!isNew) return id
  const { project, pipeline, lane } = run
  tx.emit({ kind: 'version.recorded', project, pipeline, lane, resource: output.resource, version: id })
  const current = await definitionOf(tx.db, run.lane_id)
  if (current) {
    const at = { project, pipeline, lane, pipelineId: run.pipeline_id, laneId: run.lane_id }
    const versions = new Map([[output.resource, id]])
    await triggerByVersions(tx, { ...at, definition: current.definition }, versions)
  }
  return id
}

async function resourceOf(db: Trx, run: Putting, { resource }: Output): Promise<ResourceId> {
  const row = await db
    .selectFrom('resources')
    .select('id')
    .where('pipeline_id', '=', run.pipeline_id)
    .where('name', '=', resource)
    .executeTakeFirst()
  if (!row) throw new Error(`run ${run.id} put ${resource}, which its pipeline has not`)
  return row.id
}

/** Places in a lane's order are handed out one at a time. */
export const lockLaneRow = (db: Trx, lane: LaneId) =>
  db.selectFrom('lanes').select('id').where('id', '=', lane).forNoKeyUpdate().execute()

async function versionOf(
  db: Trx,
  { lane_id }: Putting,
  { resource, name, body }: Omit<Output, 'resource'> & { readonly resource: ResourceId },
): Promise<{ id: VersionId; isNew: boolean }> {
  const all = db.selectFrom('versions').where('resource_id', '=', resource).where('lane_id', '=', lane_id)
  const known = await all.select('id').where('name', '=', storable(name)).executeTakeFirst()
  if (known) return { id: known.id, isNew: false }
  const newest = await all.select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst()
  const { id } = await db
    .insertInto('versions')
    .values({
      resource_id: resource,
      lane_id,
      seq: (newest?.seq ?? 0) + STEP,
      name: storable(name),
      body: toJson(body),
      delivery_id: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return { id, isNew: true }
}

/** What it was made of, and what that was made of. */
const noteOrigins = (db: Trx, run: RunId, version: VersionId) =>
  sql`
    insert into version_origins (version_id, origin_id)
    select ${version}, origin from (
      select version_id as origin from run_inputs where run_id = ${run}
      union
      select version_origins.origin_id from run_inputs
      join version_origins on version_origins.version_id = run_inputs.version_id
      where run_inputs.run_id = ${run}
    ) origins
    where origin <> ${version}
    on conflict do nothing`.execute(db)
