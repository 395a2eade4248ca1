import { type RawBuilder, sql } from 'kysely'
import type { UserId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact } from '../db/transact.ts'

type Person = { readonly id: UserId }
export type Maintenance = { readonly by: string | null; readonly reason: string; readonly since: Date }

/**
 * An admin looks after the machines: from now on nothing begins, on any server. What runs goes on to its end; all else is received,
 * recorded and queued, and waits. Said again, it has another reason, and the same beginning.
 */
export async function beginMaintenance(
  db: Db,
  { by, reason }: { readonly by: Person; readonly reason: string },
): Promise<void> {
  await transact(db, async (tx) => {
    const before = await maintenanceOf(tx.db)
    await tx.db
      .insertInto('maintenance')
      .values({ by: by.id, reason })
      .onConflict((oc) => oc.column('id').doUpdateSet({ by: by.id, reason }))
      .execute()
    audited({ before: shown(before), after: { maintenance: true, reason } })
    tx.emit({ kind: 'maintenance.changed' })
  })
}

/** Everything goes on. @returns Whether there was any. */
export async function endMaintenance(db: Db): Promise<boolean> {
  return transact(db, async (tx) => {
    const before = await maintenanceOf(tx.db)
    if (!before) return false
    await tx.db.deleteFrom('maintenance').execute()
    audited({ before: shown(before), after: { maintenance: false, reason: null } })
    tx.emit({ kind: 'maintenance.changed' })
    return true
  })
}

const shown = (now: Maintenance | null) => ({ maintenance: now !== null, reason: now?.reason ?? null })

/** Since when, by whom and why nothing begins; null when everything goes its way. */
export async function maintenanceOf(db: Db | Trx): Promise<Maintenance | null> {
  const row = await db
    .selectFrom('maintenance')
    .leftJoin('users', 'users.id', 'maintenance.by')
    .select(['users.name as by', 'maintenance.reason', 'maintenance.since'])
    .executeTakeFirst()
  return row ?? null
}

/** No maintenance is under way: things may begin. */
export const serverGoes: RawBuilder<boolean> = sql`not exists (select from maintenance)`

/** By whom and why nothing begins, in words; null where it does. */
export const maintenanceWords: RawBuilder<string | null> = sql`(
  select 'the whole server is in maintenance, by ' || coalesce(users.name, 'somebody') || ': ' || maintenance.reason
  from maintenance left join users on users.id = maintenance.by)`
