import { sql } from 'kysely'
import type { ArchiveId, LaneId } from '#pipelines/ids.ts'
import { defaultLane } from '../catalog/queries.ts'
import type { Db, Trx } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import type { HeldRun } from '../runs/lease-holder.ts'
import { leftOn } from './closed-lanes.ts'

/** A cache's name in the pipeline file, and what it was made for: the machine and the contents of files, `<hex>-<hex>`. */
export type CacheName = { readonly name: string; readonly key: string }
const MOST_OF_A_NAME = 10
const NAME = /^[a-z0-9-]{1,100}$/
const KEY = /^([0-9a-f]{16})-[0-9a-f]{64}$/

/** @throws {Problem} `invalid-request`. */
export function cacheName(name: string, key: string): CacheName {
  if (NAME.test(name) && KEY.test(key)) return { name, key }
  throw new Problem(
    'invalid-request',
    `a cache has a name of a-z, 0-9 and -, and a key of 16 and 64 hex digits, not ${JSON.stringify(`${name}/${key}`.slice(0, 200))}`,
  )
}

/**
 * The cache a run may read: its own lane's, else the default branch's; of each the very one, else the newest that was made for
 * the same machine and folders. So a lane reads what it or the default branch wrote, and nothing of other lanes.
 */
export async function cacheFor(
  db: Db,
  run: HeldRun,
  { name, key }: CacheName,
): Promise<{ key: string; match: 'exact' | 'near' } | null> {
  const shared = await defaultLaneOf(db, run)
  const lanes = [run.lane_id, ...(shared === null ? [] : [shared])]
  const row = await db
    .selectFrom('caches')
    .innerJoin('archives', 'archives.id', 'caches.archive_id')
    .select(['archives.key as place', 'caches.key', 'caches.lane_id'])
    .where('caches.lane_id', 'in', lanes)
    .where('caches.name', '=', name)
    .where('caches.key', 'like', `${KEY.exec(key)?.[1] ?? ''}-%`)
    .orderBy(sql`caches.key = ${key}`, 'desc')
    .orderBy(sql`caches.lane_id = ${run.lane_id}`, 'desc')
    .orderBy('caches.created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!row) return null
  await db
    .updateTable('caches')
    .set({ used_at: sql<Date>`now()` })
    .where('lane_id', '=', row.lane_id)
    .where('name', '=', name)
    .where('key', '=', row.key)
    .execute()
  return { key: row.place, match: row.key === key ? 'exact' : 'near' }
}

/** Written once: a cache of the same key holds the same. Of each name on a lane the newest ones stay. */
export async function keepCache(
  db: Trx,
  run: HeldRun,
  { name, key, archive }: CacheName & { archive: ArchiveId },
): Promise<void> {
  await db
    .insertInto('caches')
    .values({ lane_id: run.lane_id, name, key, archive_id: archive })
    .onConflict((already) => already.doNothing())
    .execute()
  await sql`delete from caches where (lane_id, name, key) in (
      select lane_id, name, key from caches where lane_id = ${run.lane_id} and name = ${name}
      order by created_at desc, key offset ${MOST_OF_A_NAME} for update skip locked)`.execute(db)
  await leftOn(db, run.lane_id)
}

async function defaultLaneOf(db: Db, run: HeldRun): Promise<LaneId | null> {
  const row = await db
    .selectFrom('lanes')
    .innerJoin('pipelines', 'pipelines.id', 'lanes.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .select('lanes.id')
    .where('pipelines.id', '=', run.pipeline_id)
    .where('lanes.name', '=', defaultLane)
    .executeTakeFirst()
  return row?.id ?? null
}
