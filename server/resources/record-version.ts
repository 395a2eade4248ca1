import { sql } from 'kysely'
import type { VersionId } from '#pipelines/ids.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { namedJobs } from '../catalog/queries.ts'
import { addTriggers } from '../catalog/triggers.ts'
import type { Trx } from '../db/connect.ts'
import { storable, toJson } from '../db/to-json.ts'
import type { Tx } from '../db/transact.ts'
import type { Commit, LaneNow, NewVersion } from './commit.ts'
import { placeInOrder } from './order.ts'
import { supplyByVersions } from './supply.ts'
import { watching } from './watching.ts'

/**
 * Take note of a version. Told twice, noted once; a branch that was moved back to a commit makes that one the newest again. The
 * caller holds the lane's row, so places in the order are handed out one at a time.
 *
 * @returns Its id, or null when nothing changed.
 */
export async function recordVersion(db: Trx, version: NewVersion): Promise<VersionId | null> {
  const seq = await placeInOrder(db, version)
  if (seq === null) return null
  const told = {
    seq,
    body: toJson(version.body),
    forced: version.order?.forced ?? false,
    left_at: version.order?.left ? sql<Date>`now()` : null,
    changed: version.changed ? version.changed.map(storable) : null,
  }
  const row = await db
    .insertInto('versions')
    .values({
      resource_id: version.resource,
      lane_id: version.lane,
      name: version.name,
      delivery_id: version.delivery,
      ...told,
    })
    .onConflict((oc) => oc.columns(['resource_id', 'lane_id', 'name']).doUpdateSet(told))
    .returning('id')
    .executeTakeFirstOrThrow()
  return row.id
}

/**
 * A commit arrived on a lane: every resource of the pipeline that watches its repository and branch has a new version.
 *
 * @param preset  The branch that a resource without one watches; null for any.
 * @returns The resources that gained a version.
 */
export async function recordCommit(
  tx: Tx,
  at: LaneNow,
  commit: Commit,
  preset: string | null,
): Promise<string[]> {
  const found = await watching(tx.db, at, commit, preset)
  const named = new Set(commit.changed?.keys() ?? at.definition.resources.map((resource) => resource.name))
  const recorded = new Map<string, VersionId>()
  for (const { id, name } of found.filter((candidate) => named.has(candidate.name))) {
    const changed = commit.changed?.get(name) ?? null
    const made = { ...commit, changed, resource: id, lane: at.laneId, name: commit.sha }
    const version = await recordVersion(tx.db, made)
    if (version === null) continue
    recorded.set(name, version)
    const { project, pipeline, lane } = at
    tx.emit({ kind: 'version.recorded', project, pipeline, lane, resource: name, version })
  }
  await triggerByVersions(tx, at, recorded)
  return [...recorded.keys()]
}

/** New versions start the jobs that get them themselves, on the lane that they belong to. */
export async function triggerByVersions(
  tx: Tx,
  at: LaneNow,
  versions: ReadonlyMap<string, VersionId>,
): Promise<void> {
  const { startedByVersion } = edgesOf(at.definition)
  const started = [...versions.keys()].flatMap((resource) => startedByVersion.get(resource) ?? [])
  const jobs = await namedJobs(tx.db, at.pipelineId, started)
  const triggers = [...versions].flatMap(([resource, version]) =>
    (startedByVersion.get(resource) ?? []).flatMap((name) => {
      const job = jobs.get(name)
      return job === undefined ? [] : [{ kind: 'version' as const, job, lane: at.laneId, resource, version }]
    }),
  )
  await addTriggers(tx, triggers)
  await supplyByVersions(tx, at, versions)
}
