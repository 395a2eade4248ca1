import { sql } from 'kysely'
import type { Db } from '../db/connect.ts'
import { type Worker, startWorker } from '../events/worker.ts'
import { log } from '../log.ts'
import { dropOfClosedLanes } from './closed-lanes.ts'
import { expireCheckpoints } from './handovers.ts'
import type { Vault } from './save-archive.ts'
import { sweepFolders } from './sweep-folders.ts'

const SWEEP_MS = 60_000
/** So many at a time, so that no transaction is long. */
const BATCH = 100
/** So many archives are looked at in one look: a store of any size costs a look the same. */
const LOOKED_AT = 5_000

/** Where the next look for archives that belong to nobody begins. */
export type Round = { after: number }

/** Forget files whose time is over, and remove from the store what nobody refers to any more. Any number of servers may. */
export function startSweeper(vault: Vault): Worker {
  const round: Round = { after: 0 }
  return startWorker('files', () => sweepFiles(vault, round), {
    hints: { on: () => () => {} },
    sweepMs: SWEEP_MS,
  })
}

/** One look. @returns Whether there is more to do at once. */
export async function sweepFiles(vault: Vault, round: Round = { after: 0 }): Promise<boolean> {
  const { db } = vault
  await expireKept(db)
  await expireCheckpoints(db)
  await dropCaches(db)
  await dropOfClosedLanes(db, BATCH)
  await sweepFolders(db, BATCH)
  return removeOrphans(vault, round)
}

/** The row stays and says that there were files. What a run that is still open needs, stays as well. */
const expireKept = (db: Db) =>
  sql`update kept set archive_id = null
    where archive_id is not null and expires_at < now() and not exists (
      select from run_needs join runs on runs.id = run_needs.run_id
      where run_needs.upstream_id = kept.run_id and runs.state in ('queued', 'running', 'waiting'))`.execute(
    db,
  )

/** Those that nobody uses. */
const dropCaches = (db: Db) => sql`delete from caches where used_at < now() - interval '14 days'`.execute(db)

/** An archive that is still being written has a day; one that is there and belongs to nobody, an hour. */
const orphans = (from: number, to: number) => sql<{ id: number; key: string }>`
  select id, key from archives
  where id > ${from} and id <= ${to}
    and created_at < now() - (case when packed_bytes is null then interval '1 day' else interval '1 hour' end)
    and not exists (select from kept where kept.archive_id = archives.id)
    and not exists (select from states where states.archive_id = archives.id)
    and not exists (select from job_states where job_states.archive_id = archives.id)
    and not exists (select from caches where caches.archive_id = archives.id)
    and not exists (select from folders where folders.archive_id = archives.id)
    and not exists (select from handovers where handovers.archive_id = archives.id)
  order by id limit ${sql.lit(BATCH)} for update skip locked`

/**
 * Look at the next archives, from the first again where the last was looked at. First from the store: whatever becomes of this
 * process, the row still says what has to go.
 */
async function removeOrphans({ db, store }: Vault, round: Round): Promise<boolean> {
  const end = await lastOf(db, round.after)
  return db.transaction().execute(async (tx) => {
    const { rows } = await orphans(round.after, end ?? round.after).execute(tx)
    for (const { id, key } of rows) {
      await store.remove(`${key}.index`)
      await store.remove(key)
      await sql`delete from archives where id = ${id}`.execute(tx)
    }
    if (rows.length > 0) log.info({ archives: rows.length }, 'files.removed')
    const isFull = rows.length === BATCH
    round.after = isFull ? (rows.at(-1)?.id ?? 0) : (end ?? 0)
    return isFull
  })
}

/** The last of the archives that are looked at; null where there are no more. */
async function lastOf(db: Db, after: number): Promise<number | null> {
  const { rows } = await sql<{ last: number | null }>`
    select max(id) as last from (select id from archives where id > ${after} order by id limit ${LOOKED_AT}) as looked`.execute(
    db,
  )
  return rows[0]?.last ?? null
}
