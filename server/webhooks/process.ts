import { sql } from 'kysely'
import type { DeliveryId, RepositoryId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import type { DeliveryState } from '../db/schema.ts'
import { transact, type Tx } from '../db/transact.ts'
import { GitError } from '../forges/git.ts'
import type { Forges } from '../forges/repository.ts'
import { log } from '../log.ts'
import { applyPush } from './apply-push.ts'
import { type Meaning, type Push, readDelivery } from './payloads.ts'

const MOST_ATTEMPTS = 5
const LOCK_CLASS = 7002

type Fate = {
  readonly state: Exclude<DeliveryState, 'received'>
  readonly reason: string
  readonly project: string | null
}
export type ProcessDeps = { readonly db: Db; readonly forges: Forges }

/**
 * Make something of the oldest delivery that nothing was made of yet. Deliveries are taken one at a time in the order of their
 * arrival, across all servers: pushes to one branch must not overtake each other.
 *
 * @returns True when there may be more.
 */
export async function processNext({ db, forges }: ProcessDeps): Promise<boolean> {
  return db.connection().execute(async (one) => {
    const lock = await sql<{ got: boolean }>`select pg_try_advisory_lock(${LOCK_CLASS}, 0) as got`.execute(
      one,
    )
    if (!lock.rows[0]?.got) return false
    try {
      return await processOldest(db, forges)
    } finally {
      await sql`select pg_advisory_unlock(${LOCK_CLASS}, 0)`.execute(one)
    }
  })
}

async function processOldest(db: Db, forges: Forges): Promise<boolean> {
  const delivery = await db
    .selectFrom('deliveries')
    .selectAll()
    .where('state', '=', 'received')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  if (!delivery) return false
  let meaning: Meaning
  try {
    meaning = readDelivery(delivery.source, delivery.event, delivery.body)
  } catch (error) {
    await settle(db, delivery.id, { state: 'failed', reason: words(error), project: null })
    return true
  }
  if ('nothing' in meaning)
    await settle(db, delivery.id, { state: 'ignored', reason: meaning.nothing, project: null })
  else await follow(db, forges, { ...delivery, push: meaning.push })
  return true
}

type Followed = { id: DeliveryId; attempts: number; repository_id: RepositoryId | null; push: Push }

async function follow(db: Db, forges: Forges, delivery: Followed): Promise<void> {
  const { id, push, attempts } = delivery
  const repository = await repositoryOf(db, delivery)
  if (!repository) {
    const reason = `no project uses the repository ${push.repository?.url ?? ''}: add one with \`takt projects add\``
    return settle(db, id, { state: 'ignored', reason, project: null })
  }
  try {
    await applyPush(db, forges, { id, push, repository }, async (tx, fate) => {
      await tx.db
        .updateTable('deliveries')
        .set({ repository_id: repository.id })
        .where('id', '=', id)
        .execute()
      await settleIn(tx, id, fate)
    })
  } catch (error) {
    await countFailure(db, { id, attempts, error })
  }
}

/** A delivery that fails is tried again, later each time, and in the end set aside with its reason: it must not block the others. */
async function countFailure(
  db: Db,
  { id, attempts, error }: { id: DeliveryId; attempts: number; error: unknown },
): Promise<void> {
  log.warn({ err: error, delivery: id, attempts: attempts + 1 }, 'delivery.failed')
  await db
    .updateTable('deliveries')
    .set({ attempts: attempts + 1 })
    .where('id', '=', id)
    .execute()
  if (attempts + 1 < MOST_ATTEMPTS) throw error
  const why =
    error instanceof GitError
      ? `the commit could not be read: ${error.words}`
      : 'the server failed on it; its log holds the cause'
  await settle(db, id, { state: 'failed', reason: `${why}; replay it when that is mended`, project: null })
}

/** The repository a delivery speaks of, by the forge's number first: that survives a rename. */
async function repositoryOf(db: Db, { repository_id, push }: Followed) {
  const known = db.selectFrom('repositories').selectAll()
  if (repository_id !== null) return known.where('id', '=', repository_id).executeTakeFirst()
  if (!push.repository) return undefined
  const { forgeId, url, defaultBranch } = push.repository
  const sameForge = `${new URL(url).origin}/`
  const byNumber = await known
    .where('forge_id', '=', forgeId)
    .where(sql<boolean>`starts_with(url, ${sameForge})`)
    .executeTakeFirst()
  const found =
    byNumber ?? (await known.where('url', '=', url).where('forge_id', 'is', null).executeTakeFirst())
  if (!found) return undefined
  return db
    .updateTable('repositories')
    .set({ url, forge_id: forgeId, default_branch: defaultBranch ?? found.default_branch })
    .where('id', '=', found.id)
    .returningAll()
    .executeTakeFirst()
}

const settle = (db: Db, id: DeliveryId, fate: Fate) => transact(db, (tx) => settleIn(tx, id, fate))

async function settleIn(tx: Tx, id: DeliveryId, fate: Fate): Promise<void> {
  await tx.db
    .updateTable('deliveries')
    .set({
      state: fate.state,
      reason: fate.reason.replaceAll('\0', '').slice(0, 4_000),
      processed_at: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .execute()
  tx.emit({ kind: 'delivery.processed', delivery: id, project: fate.project })
}

const words = (error: unknown) => (error instanceof Error ? error.message : String(error))
