import type { LaneId, ResourceId, VersionId } from '#pipelines/ids.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { markDirty } from '../catalog/dirty.ts'
import { namedJobs, openLanes } from '../catalog/queries.ts'
import type { Trx } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'
import type { LaneNow } from './commit.ts'

/**
 * New versions that start nothing may still be what a trigger lacks: the first one of a resource, or the one that the file pins.
 * The jobs that read it look again, where it comes from outside on every lane; a later version, however many read it, costs none
 * of them a look.
 */
export async function supplyByVersions(
  tx: Tx,
  at: LaneNow,
  versions: ReadonlyMap<string, VersionId>,
): Promise<void> {
  const { jobs, suppliedByVersion } = edgesOf(at.definition)
  for (const [resource, version] of versions) {
    const readers = suppliedByVersion.get(resource) ?? []
    if (readers.length === 0) continue
    const inputs = readers.flatMap((name) =>
      (jobs.get(name)?.inputs ?? []).filter((input) => input.resource === resource),
    )
    const isAwaited = inputs.some(({ pin }) => pin !== null) || (await isFirst(tx.db, version))
    if (!isAwaited) continue
    const ids = [...(await namedJobs(tx.db, at.pipelineId, readers)).values()]
    const lanes = inputs.some(({ shared }) => shared)
      ? (await openLanes(tx.db, at.pipelineId)).map(({ id }) => id)
      : [at.laneId]
    for (const lane of lanes) markDirty(tx, lane, ids)
  }
}

async function isFirst(db: Trx, id: VersionId): Promise<boolean> {
  const version = await db
    .selectFrom('versions')
    .select(['resource_id', 'lane_id'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  return !(await otherOf(db, { id, resource: version.resource_id, lane: version.lane_id }))
}

const otherOf = (
  db: Trx,
  { id, resource, lane }: { id: VersionId; resource: ResourceId; lane: LaneId },
): Promise<unknown> =>
  db
    .selectFrom('versions')
    .select('id')
    .where('resource_id', '=', resource)
    .where('lane_id', '=', lane)
    .where('id', '<>', id)
    .limit(1)
    .executeTakeFirst()
