import { sql } from 'kysely'
import type { ResourceId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { CHANNEL } from '../db/transact.ts'

/**
 * A resource is to be looked at now. Where that is under way already, it is looked at once more when it has ended: it may have begun too
 * early to see what the asking is about.
 *
 * @returns False where nothing looks for its versions.
 */
export async function checkNow(db: Db, resource: ResourceId): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const { numUpdatedRows } = await trx
      .updateTable('checks')
      .set({ due_at: sql<Date>`least(due_at, now())` })
      .where('kind', '<>', 'time')
      .where('id', '=', (eb) => eb.selectFrom('resources').select('check_id').where('id', '=', resource))
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return false
    await sql`select pg_notify(${CHANNEL}, '')`.execute(trx)
    return true
  })
}
