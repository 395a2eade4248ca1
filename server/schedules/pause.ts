import { sql } from 'kysely'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import type { LaneNow } from '../resources/commit.ts'
import { makeTime, noteFiring } from './firings.ts'
import type { Place } from './the-schedule.ts'

type Person = { readonly name: string }

/** A person decides that no time of a schedule starts anything until it goes on. What waits for a run's end does not go on either. */
export async function pauseSchedule(
  db: Db,
  place: Place,
  { by, reason }: { by: Person; reason: string },
): Promise<void> {
  await transact(db, async (tx) => {
    const before = await pauseOf(tx.db, place)
    await tx.db
      .insertInto('schedules')
      .values({ resource_id: place.resource, paused_by: by.name, paused_reason: reason })
      .onConflict((oc) => oc.column('resource_id').doUpdateSet({ paused_by: by.name, paused_reason: reason }))
      .execute()
    await tx.db
      .updateTable('firings')
      .set({ fate: 'paused', reason: `paused by ${by.name}: ${reason}` })
      .where('resource_id', '=', place.resource)
      .where('fate', '=', 'waiting')
      .execute()
    audited({ before, after: { paused: true, reason } })
    tx.emit({ kind: 'resource.checked', ...where(place) })
  })
}

/** The schedule goes on with the time that comes next; what came meanwhile stays as it is. @returns Whether it was paused. */
export async function resumeSchedule(db: Db, place: Place): Promise<boolean> {
  return transact(db, async (tx) => {
    const before = await pauseOf(tx.db, place)
    await tx.db.deleteFrom('schedules').where('resource_id', '=', place.resource).execute()
    audited({ before, after: { paused: false, reason: null } })
    tx.emit({ kind: 'resource.checked', ...where(place) })
    return before.paused
  })
}

/** A person lets a time come now, whatever still runs, and though it is paused. */
export async function fireNow(
  db: Db,
  place: Place,
  { by, laneNow }: { by: Person; laneNow: (trx: Trx) => Promise<LaneNow> },
): Promise<void> {
  await transact(db, async (tx) => {
    const at = await laneNow(tx.db)
    const { rows } = await sql<{ ms: number }>`
      select (extract(epoch from clock_timestamp()) * 1000)::bigint as ms`.execute(tx.db)
    const nowMs = Number(rows[0]?.ms)
    const moment = { resource: place.resource, name: place.name, dueMs: nowMs, nowMs }
    const id = await noteFiring(tx, moment, { fate: 'fired', by: by.name })
    if (id !== null) await makeTime(tx, at, { id, ...moment })
  })
}

const where = ({ project, pipeline, name }: Place) => ({ project, pipeline, resource: name })

async function pauseOf(db: Trx, { resource }: Place) {
  const row = await db
    .selectFrom('schedules')
    .select('paused_reason')
    .where('resource_id', '=', resource)
    .executeTakeFirst()
  return { paused: row !== undefined, reason: row?.paused_reason ?? null }
}
