import { sql } from 'kysely'
import type { Trx } from '../db/connect.ts'
import type { NewVersion } from './record-version.ts'

/** Room between neighbours, for what is told late. */
const STEP = 1_000

/**
 * The place of a version in its lane's order: above everything when the lane points to it now; else right below the version
 * that was pushed onto it, or below the newest where none is known.
 *
 * @returns Null when the version stands where it should already.
 */
export async function placeInOrder(db: Trx, version: NewVersion): Promise<number | null> {
  const all = db
    .selectFrom('versions')
    .where('resource_id', '=', version.resource)
    .where('lane_id', '=', version.lane)
  const known = await all.select('seq').where('name', '=', version.name).executeTakeFirst()
  const newest = await all.select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst()
  if (!newest) return STEP
  if (version.head === 'now') return known?.seq === newest.seq ? null : newest.seq + STEP
  if (known) return null
  const onto = await all
    .select('seq')
    .where(sql`body ->> 'before'`, '=', version.name)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst()
  return freeBelow(db, version, onto?.seq ?? newest.seq)
}

/** The highest free place below `seq`. Places are a thousand apart, so one is free unless a thousand pushes were told late. */
async function freeBelow(db: Trx, version: NewVersion, seq: number): Promise<number> {
  const { rows } = await sql<{ place: number }>`
    select place from generate_series(${seq - 1}::bigint, ${seq - STEP}::bigint, -1) as place
    where not exists (
      select from versions where resource_id = ${version.resource} and lane_id = ${version.lane} and seq = place
    ) limit 1`.execute(db)
  const [free] = rows
  if (!free) throw new Error(`no place is left below version ${seq} of the lane`)
  return free.place
}
