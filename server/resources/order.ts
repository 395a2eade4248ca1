import { sql } from 'kysely'
import type { Trx } from '../db/connect.ts'
import type { NewVersion } from './commit.ts'

/** Room between neighbours, for what is told late. */
export const STEP = 2 ** 20
/** Far from both ends of what a number can be. */
export const FIRST = 2 ** 40

/**
 * The place of a version in its lane's order: above everything when the lane points to it now; else right below the nearest
 * version that goes on from it, and so above all that it goes on from.
 *
 * @returns Null when the version stands where it should already.
 */
export async function placeInOrder(db: Trx, version: NewVersion): Promise<number | null> {
  const all = db
    .selectFrom('versions')
    .where('resource_id', '=', version.resource)
    .where('lane_id', '=', version.lane)
  const known = await all.select(['seq', 'left_at']).where('name', '=', version.name).executeTakeFirst()
  const newest = await all.select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst()
  if (!newest) return FIRST
  if (version.head === 'now')
    return known?.seq === newest.seq && known.left_at === null ? null : newest.seq + STEP
  if (known && (known.left_at === null || version.order?.left)) return null
  const onto = await all
    .select('seq')
    .where('left_at', 'is', null)
    .where('name', '=', sql<string>`any(${version.order?.onTheWay ?? []}::text[])`)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst()
  return placeBelow(db, version, onto?.seq ?? newest.seq)
}

type Lane = Pick<NewVersion, 'resource' | 'lane'>

/** A free place between `seq` and its neighbour below. */
async function placeBelow(db: Trx, version: Lane, seq: number): Promise<number> {
  const { lowest, next } = await db
    .selectFrom('versions')
    .select((eb) => [eb.fn.min('seq').as('lowest'), eb.fn.max('seq').as('next')])
    .where('resource_id', '=', version.resource)
    .where('lane_id', '=', version.lane)
    .where('seq', '<', seq)
    .executeTakeFirstOrThrow()
  if (lowest === null || next === null) return seq - STEP
  if (seq - next > 1) return Math.floor((seq + next) / 2)
  await makeRoom(db, version, { below: seq, by: next - lowest + STEP })
  return seq - STEP / 2
}

/** Move what is below down, all of it below where it was: so that at no moment two versions have one place. */
const makeRoom = (db: Trx, { resource, lane }: Lane, { below, by }: { below: number; by: number }) =>
  db
    .updateTable('versions')
    .set({ seq: sql<number>`seq - ${by}::bigint` })
    .where('resource_id', '=', resource)
    .where('lane_id', '=', lane)
    .where('seq', '<', below)
    .execute()
