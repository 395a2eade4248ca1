import { sql } from 'kysely'
import type { DeliveryId, LaneId, PipelineId, RepositoryId, ResourceId, VersionId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { inputsOf } from '#pipelines/plan/graph.ts'
import { jobIds, markDirty } from '../catalog/queries.ts'
import type { Trx } from '../db/connect.ts'
import type { CommitBody } from '../db/schema.ts'
import type { Tx } from '../db/transact.ts'

export type NewVersion = {
  readonly resource: ResourceId
  readonly lane: LaneId
  readonly name: string
  readonly body: CommitBody
  readonly delivery: DeliveryId
}

/**
 * Take note of a version. Told twice, noted once. The caller holds the lane's row, so places in the order are handed out one
 * at a time.
 *
 * @returns Its id, or null when it was known.
 */
export async function recordVersion(db: Trx, version: NewVersion): Promise<VersionId | null> {
  const row = await db
    .insertInto('versions')
    .values((eb) => ({
      resource_id: version.resource,
      lane_id: version.lane,
      seq: sql<number>`coalesce((${eb
        .selectFrom('versions')
        .select((max) => max.fn.max('seq').as('seq'))
        .where('resource_id', '=', version.resource)
        .where('lane_id', '=', version.lane)}), 0) + 1`,
      name: version.name,
      body: JSON.stringify(version.body),
      delivery_id: version.delivery,
    }))
    .onConflict((oc) => oc.columns(['resource_id', 'lane_id', 'name']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return row?.id ?? null
}

export type Place = { readonly project: string; readonly pipeline: string; readonly lane: string }

/** A commit arrived on a lane: every resource of the pipeline that watches its repository and branch has a new version. */
export async function recordCommit(
  tx: Tx,
  at: Place & { pipelineId: PipelineId; laneId: LaneId; definition: Pipeline },
  commit: { repository: RepositoryId; sha: string; body: CommitBody; delivery: DeliveryId },
): Promise<string[]> {
  const branch = commit.body.ref.replace(/^refs\/(heads|tags)\//, '')
  const watching = await tx.db
    .selectFrom('resources')
    .select(['id', 'name'])
    .where('pipeline_id', '=', at.pipelineId)
    .where('repository_id', '=', commit.repository)
    .where((eb) => eb.or([eb('branch', 'is', null), eb('branch', '=', branch)]))
    .execute()
  const named = new Set(at.definition.resources.map((resource) => resource.name))
  const recorded: string[] = []
  for (const resource of watching.filter((candidate) => named.has(candidate.name))) {
    const { project, pipeline, lane } = at
    const version = await recordVersion(tx.db, {
      resource: resource.id,
      lane: at.laneId,
      name: commit.sha,
      body: commit.body,
      delivery: commit.delivery,
    })
    if (version === null) continue
    recorded.push(resource.name)
    tx.emit({ kind: 'version.recorded', project, pipeline, lane, resource: resource.name, version })
  }
  await markConsumers(tx, at, recorded)
  return recorded
}

/** The jobs that consume a resource, directly or through the jobs they need, have something to look at: even a reason to wait. */
async function markConsumers(
  tx: Tx,
  at: { pipelineId: PipelineId; laneId: LaneId; definition: Pipeline },
  resources: readonly string[],
) {
  if (resources.length === 0) return
  const jobs = at.definition.jobs
    .map((job) => job.name)
    .filter((job) => resources.some((resource) => inputsOf(at.definition, job).has(resource)))
  await markDirty(tx.db, at.laneId, await jobIds(tx.db, at.pipelineId, jobs))
}
