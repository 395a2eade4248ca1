import { sql } from 'kysely'
import type { Db } from '../db/connect.ts'
import { type Worker, startWorker } from '../events/worker.ts'
import { log } from '../log.ts'
import type { Vault } from './save-archive.ts'

const SWEEP_MS = 60_000
/** So many at a time, so that no transaction is long. */
const BATCH = 100

/** Forget files whose time is over, and remove from the store what nobody refers to any more. Any number of servers may. */
export const startSweeper = (vault: Vault): Worker =>
  startWorker('files', () => sweepFiles(vault), { hints: { on: () => () => {} }, sweepMs: SWEEP_MS })

/** One look. @returns Whether there may be more to do. */
export async function sweepFiles(vault: Vault): Promise<boolean> {
  const { db } = vault
  await expireKept(db)
  await dropCaches(db)
  await dropStates(db)
  await dropFolders(db)
  return (await removeOrphans(vault)) === BATCH
}

/** The row stays and says that there were files. What a run that is still open needs, stays as well. */
const expireKept = (db: Db) =>
  sql`update kept set archive_id = null
    where archive_id is not null and expires_at < now() and not exists (
      select from run_needs join runs on runs.id = run_needs.run_id
      where run_needs.upstream_id = kept.run_id and runs.state in ('queued', 'running', 'waiting'))`.execute(
    db,
  )

/** Of each cache the ten newest of a lane, while somebody uses them and the lane is open. */
const dropCaches = (db: Db) =>
  sql`delete from caches using (
      select caches.lane_id, caches.name, caches.key, lanes.closed_at,
        row_number() over (partition by caches.lane_id, caches.name order by caches.created_at desc) as place
      from caches join lanes on lanes.id = caches.lane_id
    ) ranked
    where (caches.lane_id, caches.name, caches.key) = (ranked.lane_id, ranked.name, ranked.key)
      and (ranked.place > 10 or caches.used_at < now() - interval '14 days'
        or ranked.closed_at < now() - interval '1 day')`.execute(db)

/** Of each job on a lane, and of each leg of it, the five newest states of runs that succeeded; of others none. */
const dropStates = (db: Db) =>
  sql`delete from states using (
      select states.run_id, runs.state,
        row_number() over (partition by states.job_id, states.lane_id, runs.matrix, runs.state = 'succeeded'
          order by states.run_id desc) as place
      from states join runs on runs.id = states.run_id where runs.ended_at is not null
    ) ranked
    where states.run_id = ranked.run_id and (ranked.state <> 'succeeded' or ranked.place > 5)`.execute(db)

/** A folder that was sent and never became a version. */
const dropFolders = (db: Db) =>
  sql`delete from folders where created_at < now() - interval '1 day' and not exists (
      select from versions where versions.resource_id = folders.resource_id and versions.name = folders.version)`.execute(
    db,
  )

/** An archive that is still being written has a day; one that is there and belongs to nobody, an hour. */
const ORPHANS = sql<{ id: number; key: string }>`
  select id, key from archives
  where created_at < now() - (case when packed_bytes is null then interval '1 day' else interval '1 hour' end)
    and not exists (select from kept where kept.archive_id = archives.id)
    and not exists (select from states where states.archive_id = archives.id)
    and not exists (select from caches where caches.archive_id = archives.id)
    and not exists (select from folders where folders.archive_id = archives.id)
  order by id limit ${sql.lit(BATCH)} for update skip locked`

/** First from the store: whatever becomes of this process, the row still says what has to go. */
async function removeOrphans({ db, store }: Vault): Promise<number> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await ORPHANS.execute(tx)
    for (const { id, key } of rows) {
      await store.remove(`${key}.index`)
      await store.remove(key)
      await sql`delete from archives where id = ${id}`.execute(tx)
    }
    if (rows.length > 0) log.info({ archives: rows.length }, 'files.removed')
    return rows.length
  })
}
