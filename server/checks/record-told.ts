import { sql } from 'kysely'
import type { ResourceId, VersionId } from '#pipelines/ids.ts'
import type { VersionBody } from '../db/schema.ts'
import { storable, toJson } from '../db/to-json.ts'
import type { Tx } from '../db/transact.ts'
import type { LaneNow } from '../resources/commit.ts'
import { FIRST, STEP } from '../resources/order.ts'
import { triggerByVersions } from '../resources/record-version.ts'

export type ToldVersion = { readonly name: string; readonly body: VersionBody }
export type Told = {
  readonly id: ResourceId
  readonly name: string
  readonly versions: readonly ToldVersion[]
}

/**
 * What a check told of a resource, oldest first. Where nothing of it is new, nothing moves. Else all of it goes on top in the order in
 * which it was told: what was found late, or comes anew after a force-push, takes the place that it was told in.
 *
 * New versions start the jobs that get them; of the first ones that a resource ever has only the newest does. The caller holds the
 * lane's row.
 */
export async function recordTold(tx: Tx, at: LaneNow, { id, name, versions }: Told): Promise<void> {
  const told = [...new Map(versions.map((version) => [storable(version.name), version]))]
  if (told.length === 0) return
  const all = tx.db.selectFrom('versions').where('resource_id', '=', id).where('lane_id', '=', at.laneId)
  const names = told.map(([each]) => each)
  const known = await all
    .select('name')
    .where('name', '=', sql<string>`any(${names}::text[])`)
    .execute()
  const old = new Set(known.map((row) => row.name))
  if (names.every((each) => old.has(each))) return
  const newest = await all.select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst()
  const first = newest ? newest.seq + STEP : FIRST
  const rows = told.map(([each, { body }], index) => ({
    ...{ resource_id: id, lane_id: at.laneId, name: each, delivery_id: null },
    ...{ seq: first + index * STEP, body: toJson(body), left_at: null },
  }))
  const written = await tx.db
    .insertInto('versions')
    .values(rows)
    .onConflict((oc) =>
      oc.columns(['resource_id', 'lane_id', 'name']).doUpdateSet((eb) => ({
        seq: eb.ref('excluded.seq'),
        body: eb.ref('excluded.body'),
        left_at: null,
      })),
    )
    .returning(['id', 'name', 'seq'])
    .execute()
  const inOrder = written.toSorted((a, b) => a.seq - b.seq)
  // What is the newest now starts its jobs, also where it was there before: they take no older one any more.
  const starting = inOrder.filter((row, index) => !old.has(row.name) || index === inOrder.length - 1)
  await announce(tx, at, { name, ids: (newest ? starting : starting.slice(-1)).map((row) => row.id) })
}

async function announce(
  tx: Tx,
  at: LaneNow,
  { name, ids }: { name: string; ids: readonly VersionId[] },
): Promise<void> {
  const { project, pipeline, lane } = at
  for (const version of ids) {
    tx.emit({ kind: 'version.recorded', project, pipeline, lane, resource: name, version })
    await triggerByVersions(tx, at, new Map([[name, version]]))
  }
}

/**
 * What became the newest outside is the newest here, whatever it was before: a tag that was moved back, say. What was written down and
 * is told once more, because nobody heard that it was, moves nothing.
 */
export async function moveOnTop(tx: Tx, at: LaneNow, { id, name, versions }: Told): Promise<void> {
  const newest = await tx.db
    .selectFrom('versions')
    .select(['name', 'seq'])
    .where('resource_id', '=', id)
    .where('lane_id', '=', at.laneId)
    .where('left_at', 'is', null)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
  const known = await tx.db
    .selectFrom('versions')
    .select('name')
    .where('resource_id', '=', id)
    .where('lane_id', '=', at.laneId)
    .where('name', '=', sql<string>`any(${versions.map((version) => version.name)}::text[])`)
    .execute()
  if (known.length === versions.length && versions.at(-1)?.name === newest?.name) return
  let seq = newest?.seq ?? FIRST - STEP
  let top = newest?.name
  const ids: VersionId[] = []
  for (const version of versions) {
    if (version.name === top) continue
    seq += STEP
    top = version.name
    const row = await tx.db
      .insertInto('versions')
      .values({
        ...{ resource_id: id, lane_id: at.laneId, name: version.name, delivery_id: null },
        ...{ seq, body: toJson(version.body), left_at: null },
      })
      .onConflict((oc) =>
        oc
          .columns(['resource_id', 'lane_id', 'name'])
          .doUpdateSet({ seq, body: toJson(version.body), left_at: null }),
      )
      .returning('id')
      .executeTakeFirstOrThrow()
    ids.push(row.id)
  }
  await announce(tx, at, { name, ids: newest ? ids : ids.slice(-1) })
}
