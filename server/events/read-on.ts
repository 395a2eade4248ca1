import type { EventId } from '#pipelines/ids.ts'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import type { Db, Trx } from '../db/connect.ts'
import { cursor as newestEvent, eventsAfter } from './follow.ts'

/** Where those who follow what happens keep how far they have read: a row each. */
export type Cursor = 'notice_cursor' | 'status_cursor' | 'tally_cursor'

const AT_ONCE = 500

/**
 * What happened is read once by each who follows it, whoever is killed. What becomes of the events is written in the transaction that
 * moves the cursor over them: whoever dies in between has read nothing, and nothing is taken twice or passed over. One server reads
 * at a time; where another is at it, this one has nothing to do.
 *
 * @param take  Writes what becomes of the events, oldest first; at least one, at most 500. Throws: they are read again.
 * @returns Whether there may be more.
 */
export async function readOn(
  db: Db,
  cursor: Cursor,
  take: (tx: Trx, events: readonly TaktEvent[]) => Promise<void>,
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const read = await tx.selectFrom(cursor).select('event_id').forUpdate().skipLocked().executeTakeFirst()
    if (!read) return false
    const events = await eventsAfter(tx, read.event_id, AT_ONCE)
    const last = events.at(-1)
    if (!last) return false
    await take(
      tx,
      events.map(({ event }) => event),
    )
    await moveTo(tx, cursor, last.id)
    return events.length === AT_ONCE
  })
}

/** Nobody is told: what has happened until now is never read later either. */
export async function passOver(db: Db, cursor: Cursor): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const newest = await newestEvent(tx)
    if (newest > 0) await moveTo(tx, cursor, newest as EventId)
  })
}

/** Only ever on: where nobody is told yet, another server may have read further meanwhile. */
const moveTo = (tx: Trx, cursor: Cursor, id: EventId) =>
  tx.updateTable(cursor).set({ event_id: id }).where('event_id', '<', id).execute()
