import { TaktEvent } from '#pipelines/wire/events.ts'
import type { EventId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'

/** The newest event's id, 0 before the first: where a snapshot taken from now on begins. */
export async function cursor(db: Db): Promise<number> {
  const row = await db
    .selectFrom('events')
    .select((eb) => eb.fn.max('id').as('id'))
    .executeTakeFirst()
  return row?.id ?? 0
}

export type Followed = { readonly id: EventId; readonly event: TaktEvent }

/** The events after `after`, oldest first, at most `limit`. */
export async function eventsAfter(db: Db, after: number, limit: number): Promise<Followed[]> {
  const rows = await db
    .selectFrom('events')
    .select(['id', 'body'])
    .where('id', '>', after as EventId)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ id: row.id, event: row.body }))
}
