import type { DeliveryId, VersionId } from '#pipelines/ids.ts'
import type { VersionBody } from '../db/schema.ts'
import { storable, toJson } from '../db/to-json.ts'
import type { Tx } from '../db/transact.ts'
import type { LaneNow } from './commit.ts'
import { FIRST, STEP } from './order.ts'

type Newest = {
  readonly resource: string
  readonly name: string
  readonly body: VersionBody
  /** What told of it, where something did. */
  readonly delivery?: DeliveryId | undefined
}

/**
 * A version becomes the newest of its resource on a lane, whatever it was before. The caller holds the lane's row, and tells whoever
 * is started by it.
 */
export async function insertNewest(
  tx: Tx,
  at: LaneNow,
  { resource, name, body, delivery }: Newest,
): Promise<VersionId> {
  const { id } = await tx.db
    .selectFrom('resources')
    .select('id')
    .where('pipeline_id', '=', at.pipelineId)
    .where('name', '=', resource)
    .executeTakeFirstOrThrow()
  const newest = await tx.db
    .selectFrom('versions')
    .select('seq')
    .where('resource_id', '=', id)
    .where('lane_id', '=', at.laneId)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  const told = { seq: newest ? newest.seq + STEP : FIRST, body: toJson(body), left_at: null }
  const row = await tx.db
    .insertInto('versions')
    .values({
      resource_id: id,
      lane_id: at.laneId,
      name: storable(name),
      delivery_id: delivery ?? null,
      ...told,
    })
    .onConflict((oc) => oc.columns(['resource_id', 'lane_id', 'name']).doUpdateSet(told))
    .returning('id')
    .executeTakeFirstOrThrow()
  const { project, pipeline, lane } = at
  tx.emit({ kind: 'version.recorded', project, pipeline, lane, resource, version: row.id })
  return row.id
}
