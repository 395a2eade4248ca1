import { sql } from 'kysely'
import type { FiringId, ResourceId, RunId } from '#pipelines/ids.ts'
import type { Tx } from '../db/transact.ts'
import type { LaneNow } from '../resources/commit.ts'
import { insertNewest } from '../resources/insert-newest.ts'
import { triggerByVersions } from '../resources/record-version.ts'

/** A time of a schedule that has come. */
export type Moment = {
  readonly resource: ResourceId
  readonly name: string
  readonly dueMs: number
  /** When it was seen to come. */
  readonly nowMs: number
}
export type Fate = {
  readonly fate: 'fired' | 'waiting' | 'skipped' | 'missed' | 'paused'
  readonly reason?: string
  readonly missed?: number
  readonly conflict?: RunId | null
  readonly by?: string
}

/** So many of the last times of a schedule are kept, and a few more till somebody looks. */
const KEPT = 200
const LOOK_EVERY = 16

/**
 * Write down what becomes of a time.
 *
 * @returns Null where it came before already: a moment comes once, whichever server sees it.
 */
export async function noteFiring(
  tx: Tx,
  { resource, dueMs }: Moment,
  { fate, reason, missed, conflict, by }: Fate,
): Promise<FiringId | null> {
  const row = await tx.db
    .insertInto('firings')
    .values({
      ...{ resource_id: resource, due_at: new Date(dueMs), fate, version_id: null },
      ...{ reason: reason ?? null, missed: missed ?? 0, conflict: conflict ?? null, by_name: by ?? null },
    })
    .onConflict((oc) => oc.columns(['resource_id', 'due_at']).doNothing())
    .returning('id')
    .executeTakeFirst()
  if (!row) return null
  if (row.id % LOOK_EVERY === 0) await forget(tx, resource)
  return row.id
}

const forget = ({ db }: Tx, resource: ResourceId) =>
  sql`delete from firings where resource_id = ${resource} and fate <> 'waiting' and id <= (
    select id from firings where resource_id = ${resource} order by id desc offset ${KEPT} limit 1)`.execute(
    db,
  )

/** The time is a version by the name of its moment, and starts who gets it. */
export async function makeTime(
  tx: Tx,
  at: LaneNow,
  { id, name, dueMs, nowMs }: Omit<Moment, 'resource'> & { readonly id: FiringId },
): Promise<void> {
  const due = new Date(dueMs).toISOString()
  const body = { fields: { due, at: new Date(nowMs).toISOString() } }
  const version = await insertNewest(tx, at, { resource: name, name: due, body })
  await triggerByVersions(tx, at, new Map([[name, version]]))
  await tx.db
    .updateTable('firings')
    .set({ fate: 'fired', version_id: version, fired_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .execute()
}
