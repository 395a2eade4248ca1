import { sql } from 'kysely'
import type { LaneId, ResourceId, UserId, VersionId } from '#pipelines/ids.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { shortName } from '#pipelines/plan/words.ts'
import { audited } from '../audit/on-record.ts'
import { definitionOf } from '../catalog/definitions.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { lookAgain, versionAt } from './look-again.ts'

type Person = { readonly id: UserId; readonly name: string }
type Decision = { readonly by: Person; readonly reason: string }

/**
 * A person decides that jobs on a lane take this version of its resource and no other, until it is unpinned.
 *
 * @throws {Problem} `version-not-found`.
 */
export async function pinVersion(
  db: Db,
  { version, lane }: { version: VersionId; lane: LaneId },
  { by, reason }: Decision,
): Promise<void> {
  await transact(db, async (tx) => {
    const { resource_id, resource, name, lane_id } = await versionAt(tx.db, version)
    if (lane_id !== lane && !(await readsOthers(tx.db, lane, resource)))
      throw new Problem('version-not-found', `${resource} ${shortName(name)} is a version of another lane`)
    const before = await pinAt(tx.db, { resource: resource_id, lane })
    const pin = { version_id: version, pinned_by: by.id, reason }
    await tx.db
      .insertInto('pins')
      .values({ resource_id, lane_id: lane, ...pin })
      .onConflict((oc) =>
        oc.columns(['resource_id', 'lane_id']).doUpdateSet({ ...pin, pinned_at: sql<Date>`now()` }),
      )
      .execute()
    audited({ before, after: await pinAt(tx.db, { resource: resource_id, lane }) })
    await lookAgain(tx, { resource, lane }, `${resource} was pinned to ${shortName(name)} by ${by.name}`)
  })
}

/** Whether jobs on the lane take versions of the resource from the default branch's lane: what comes from outside lives there. */
async function readsOthers(db: Trx, lane: LaneId, resource: string): Promise<boolean> {
  const current = await definitionOf(db, lane)
  const inputs = current ? [...edgesOf(current.definition).jobs.values()].flatMap((job) => job.inputs) : []
  return inputs.some((input) => input.resource === resource && input.shared)
}

type At = { readonly resource: ResourceId; readonly lane: LaneId }

/** What a lane is pinned to, as the audit log tells it; it stays so until the transaction ends. Null: to nothing. */
const pinAt = async (db: Trx, { resource, lane }: At) =>
  (await db
    .selectFrom('pins')
    .innerJoin('versions', 'versions.id', 'pins.version_id')
    .innerJoin('lanes', 'lanes.id', 'pins.lane_id')
    .select(['lanes.name as lane', 'versions.name as version', 'pins.reason'])
    .where('pins.resource_id', '=', resource)
    .where('pins.lane_id', '=', lane)
    .forUpdate('pins')
    .executeTakeFirst()) ?? null

/** Jobs on the lane take the newest versions of the resource again. @returns Whether it was pinned. */
export async function unpinVersion(db: Db, { resource, lane }: At, by: Person): Promise<boolean> {
  return transact(db, async (tx) => {
    const before = await pinAt(tx.db, { resource, lane })
    const pin = await tx.db
      .deleteFrom('pins')
      .where('resource_id', '=', resource)
      .where('lane_id', '=', lane)
      .returning('version_id')
      .executeTakeFirst()
    if (!pin) return false
    audited({ before })
    const { resource: name } = await versionAt(tx.db, pin.version_id)
    await lookAgain(tx, { resource: name, lane }, `${name} was unpinned by ${by.name}`)
    return true
  })
}
