import { sql } from 'kysely'
import type { EndingId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker, type Worker } from '../events/worker.ts'
import { concerns, endOf, followersOf, newestEnd, newFollowers } from './ends.ts'
import { takeEnd } from './take-end.ts'

export const startUpstreams = (db: Db, loop: { hints: Pick<Hints, 'on'>; sweepMs: number }): Worker =>
  startWorker('upstreams', () => tellEnds(db), loop)

const AT_ONCE = 50
/** How long a run may take to write down that it ended. */
const SECOND_LOOK_MS = 60_000

/**
 * Tell green ends to whoever follows their jobs, each in a transaction of its own: no two lanes are locked at once. An end stays to be
 * told until all have heard it; told again it is known. Who has just begun to follow hears the newest one.
 *
 * @returns Whether there may be more.
 */
export async function tellEnds(db: Db): Promise<boolean> {
  const failures: unknown[] = []
  // What goes wrong for one keeps nobody else from hearing.
  const each = (work: Promise<void>) => work.catch((error: unknown) => void failures.push(error))
  for (const follower of await newFollowers(db)) await each(lookFor(db, follower))
  const due = await db
    .selectFrom('ends_to_tell')
    .select('ending_id')
    .orderBy('ending_id')
    .limit(AT_ONCE)
    .execute()
  for (const { ending_id } of due) await each(tell(db, ending_id))
  if (failures.length > 0) throw failures[0]
  return due.length === AT_ONCE
}

async function lookFor(db: Db, follower: Awaited<ReturnType<typeof newFollowers>>[number]): Promise<void> {
  const end = await newestEnd(db, follower)
  if (end) await transact(db, (tx) => takeEnd(tx, follower, end))
  await db
    .updateTable('followed_jobs')
    .set({
      looks_left: sql<number>`looks_left - 1`,
      look_at: sql<Date>`now() + ${SECOND_LOOK_MS} * interval '1 millisecond'`,
    })
    .where('resource_id', '=', follower.resource)
    .where('looks_left', '>', 0)
    .execute()
}

async function tell(db: Db, ending: EndingId): Promise<void> {
  const end = await endOf(db, ending)
  const followers = end ? await followersOf(db, end) : []
  for (const follower of followers)
    if (end && concerns(end, follower)) await transact(db, (tx) => takeEnd(tx, follower, end))
  await db.deleteFrom('ends_to_tell').where('ending_id', '=', ending).execute()
}
