import { type RawBuilder, sql } from 'kysely'
import type { Db, Trx } from '../db/connect.ts'
import { log } from '../log.ts'
import { REMOVABLE, type Removable } from './find-removed.ts'

/** So many runs or versions go in one transaction, with all that hangs on them. */
const AT_ONCE = 25

type Condemned = { readonly of: Removable; readonly id: number; readonly name: string }

/**
 * Delete a bit of what people let be deleted: runs first, with their logs, and what their files were becomes nobody's, so that the sweep
 * of the store takes it; then versions that no other run holds; last the thing itself. What a file has again by then stays, without
 * its history of before.
 *
 * @returns Whether there is more to do.
 */
export async function deleteCondemned(db: Db): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const one = await nextOf(trx)
    if (!one) return false
    if ((await deleteRuns(trx, one)) > 0 || (await deleteVersions(trx, one)) > 0) return true
    await finish(trx, one)
    log.info(one, 'history.deleted')
    return true
  })
}

async function nextOf(db: Trx): Promise<Condemned | null> {
  for (const of of REMOVABLE) {
    const row = await db
      .selectFrom(`${of}s`)
      .select(['id', 'name'])
      .where('condemned_at', 'is not', null)
      .orderBy('condemned_at')
      .limit(1)
      .forNoKeyUpdate()
      .skipLocked()
      .executeTakeFirst()
    if (row) return { of, ...row }
  }
  return null
}

/** Those of before it was condemned: of what has come back since, nothing is touched. */
async function deleteRuns(db: Trx, { of, id }: Condemned): Promise<number> {
  if (of === 'resource') return 0
  const its = of === 'job' ? sql`jobs.id = ${id}` : sql`jobs.pipeline_id = ${id}`
  const { rows } = await sql<{ id: number }>`
    select runs.id from jobs join ${sql.table(`${of}s`)} it on it.id = ${id} join runs on runs.job_id = jobs.id
    where ${its} and runs.created_at <= it.condemned_at and runs.ended_at is not null
    order by runs.id limit ${AT_ONCE}`.execute(db)
  const ids = rows.map((row) => row.id)
  if (ids.length === 0) return 0
  await sql`delete from terminals where run_id = any(${ids}::bigint[])`.execute(db)
  await sql`delete from run_holds where run_id = any(${ids}::bigint[])`.execute(db)
  await sql`delete from runs where id = any(${ids}::bigint[])`.execute(db)
  return ids.length
}

/** What a run still holds as an input or put is a part of that run's history. */
async function deleteVersions(db: Trx, { of, id }: Condemned): Promise<number> {
  if (of === 'job') return 0
  const its = of === 'resource' ? sql`resources.id = ${id}` : sql`resources.pipeline_id = ${id}`
  const { numAffectedRows = 0n } = await sql`
    delete from versions where id in (
      select versions.id from versions join resources on resources.id = versions.resource_id
      join ${sql.table(`${of}s`)} it on it.id = ${id}
      where ${its} and versions.created_at <= it.condemned_at
        and not exists (select from run_inputs where run_inputs.version_id = versions.id)
        and not exists (select from run_outputs where run_outputs.version_id = versions.id)
      limit ${AT_ONCE})`.execute(db)
  return Number(numAffectedRows)
}

/** A file may bring it back in this very moment: whoever reads one holds the rows of the lanes. */
async function finish(db: Trx, { of, id }: Condemned): Promise<void> {
  const pipeline: RawBuilder<unknown> =
    of === 'pipeline' ? sql`${id}` : sql`(select pipeline_id from ${sql.table(`${of}s`)} where id = ${id})`
  await sql`select from lanes where pipeline_id = ${pipeline} order by id for no key update`.execute(db)
  const held = {
    job: sql`exists (select from runs where job_id = it.id)`,
    resource: sql`exists (select from versions where resource_id = it.id)`,
    pipeline: sql`exists (select from runs join jobs on jobs.id = runs.job_id where jobs.pipeline_id = it.id)`,
  }[of]
  await sql`delete from ${sql.table(`${of}s`)} it where id = ${id} and removed_at is not null and not ${held}`.execute(
    db,
  )
  await sql`update ${sql.table(`${of}s`)} set condemned_at = null where id = ${id}`.execute(db)
}
