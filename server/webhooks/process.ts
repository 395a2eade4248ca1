import { sql } from 'kysely'
import type { DeliveryId, RepositoryId } from '#pipelines/ids.ts'
import { ofProject } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { LOCKS } from '../db/locks.ts'
import type { DeliveryState } from '../db/schema.ts'
import { storable } from '../db/to-json.ts'
import { inMs, transact, type Tx } from '../db/transact.ts'
import { GitError } from '../forges/git.ts'
import { type Forges, isHere } from '../forges/repository.ts'
import { log } from '../log.ts'
import type { RegistryDeps } from '../checks/registry.ts'
import { applyPush } from './apply-push.ts'
import { loginOfDelivery } from './moved.ts'
import { readDelivery } from './payloads.ts'
import { repositoryOf } from './repository-of.ts'

const MOST_ATTEMPTS = 5
const FIRST_RETRY_MS = 500

type Fate = {
  readonly state: Exclude<DeliveryState, 'received'>
  readonly reason: string
  readonly project: string | null
}
export type ProcessDeps = {
  readonly db: Db
  readonly forges: Forges
  readonly loginOf: RegistryDeps['loginOf']
}

/** Whether something was done, and when to come back for what failed. */
export type Outcome = { readonly worked: boolean; readonly retryInMs: number | null }
const NOTHING: Outcome = { worked: false, retryInMs: null }
const WORKED: Outcome = { worked: true, retryInMs: null }

/**
 * Say for each new delivery which repository it speaks of, or why it is of no consequence: quick work, in the order of arrival.
 *
 * @returns True when there may be more.
 */
export async function sortNext({ db }: Pick<ProcessDeps, 'db'>): Promise<boolean> {
  const delivery = await db
    .selectFrom('deliveries')
    .selectAll()
    .where('state', '=', 'received')
    .where('repository_id', 'is', null)
    .where('attempt_after', '<=', sql<Date>`now()`)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  if (!delivery) return false
  try {
    const meaning = readOrRefuse(delivery)
    if (!('push' in meaning)) await settle(db, delivery.id, meaning)
    else {
      const reason = await repositoryOf(db, delivery.id, meaning.push)
      if (reason !== null) await settle(db, delivery.id, { state: 'ignored', reason, project: null })
    }
  } catch (error) {
    await countFailure(db, { ...delivery, error })
  }
  return true
}

/** The repositories that something waits for, oldest first: each can be worked on by itself. */
export async function waitingRepositories({
  db,
  forges,
}: Pick<ProcessDeps, 'db' | 'forges'>): Promise<RepositoryId[]> {
  const rows = await db
    .selectFrom('deliveries')
    .innerJoin('repositories', 'repositories.id', 'deliveries.repository_id')
    .select((eb) => [
      'repositories.id',
      'repositories.kind',
      'repositories.url',
      eb.fn.min('deliveries.id').as('oldest'),
    ])
    .where('deliveries.state', '=', 'received')
    .groupBy('repositories.id')
    .having((eb) =>
      eb(sql`(array_agg(deliveries.attempt_after order by deliveries.id))[1]`, '<=', sql<Date>`now()`),
    )
    .orderBy('oldest')
    .execute()
  const here = await Promise.all(rows.map((row) => isHere(forges.dataDir, row)))
  return rows.filter((_, index) => here[index]).map((row) => row.id)
}

/**
 * Make something of a repository's oldest delivery. Its deliveries are taken one at a time in the order of their arrival, across
 * all servers: pushes to one branch must not overtake each other. Other repositories wait for nothing of this.
 */
export async function processNext(deps: ProcessDeps, repository: RepositoryId): Promise<Outcome> {
  const { db } = deps
  return db.connection().execute(async (one) => {
    const lock = await sql<{
      got: boolean
    }>`select pg_try_advisory_lock(${LOCKS.deliveries}, ${repository}::int) as got`.execute(one)
    if (!lock.rows[0]?.got) return NOTHING
    try {
      return await processOldest(deps, repository)
    } finally {
      await sql`select pg_advisory_unlock(${LOCKS.deliveries}, ${repository}::int)`.execute(one)
    }
  })
}

async function processOldest({ db, forges, loginOf }: ProcessDeps, of: RepositoryId): Promise<Outcome> {
  const waiting = db
    .selectFrom('deliveries')
    .selectAll()
    .where('state', '=', 'received')
    .where('repository_id', '=', of)
  const delivery = await waiting.orderBy('id').limit(1).executeTakeFirst()
  if (!delivery) return NOTHING
  const { id } = delivery
  try {
    const meaning = readOrRefuse(delivery)
    if (!('push' in meaning)) {
      await settle(db, id, meaning)
      return WORKED
    }
    const name = await loginOfDelivery(db, delivery)
    const opened = name && (await loginOf(name))
    const repository = { ...(await theRepository(db, of)), login: name && opened && { ...opened, of: name } }
    await applyPush(db, forges, { id, push: meaning.push, repository }, (tx, fate) => settleIn(tx, id, fate))
    return WORKED
  } catch (error) {
    if (forges.quit?.aborted) return NOTHING // we stop, which is not the delivery's fault
    return { worked: true, retryInMs: await countFailure(db, { ...delivery, error }) }
  }
}

const theRepository = (db: Db, id: RepositoryId) =>
  db
    .selectFrom('repositories')
    .selectAll()
    .select(ofProject.as('ofProject'))
    .where('id', '=', id)
    .executeTakeFirstOrThrow()

type Stored = Parameters<typeof readDelivery>[0]

/** What a delivery means, or the fate of one that means nothing to us. */
function readOrRefuse(delivery: Stored): { push: Parameters<typeof repositoryOf>[2] } | Fate {
  try {
    const meaning = readDelivery(delivery)
    return 'push' in meaning ? meaning : { state: 'ignored', reason: meaning.nothing, project: null }
  } catch (error) {
    return { state: 'failed', reason: error instanceof Error ? error.message : String(error), project: null }
  }
}

type Failed = { readonly id: DeliveryId; readonly attempts: number; readonly error: unknown }

/** A delivery that fails is tried again, later each time, and in the end set aside with its reason. @returns When, or null. */
async function countFailure(db: Db, { id, attempts, error }: Failed): Promise<number | null> {
  log.warn({ err: error, delivery: id, attempts: attempts + 1 }, 'delivery.failed')
  const retryInMs = FIRST_RETRY_MS * 2 ** attempts
  const again = { attempts: attempts + 1, attempt_after: inMs(retryInMs) }
  await db.updateTable('deliveries').set(again).where('id', '=', id).execute()
  if (attempts + 1 < MOST_ATTEMPTS) return retryInMs
  const why =
    error instanceof GitError
      ? `the commit could not be read: ${error.words}`
      : 'the server failed on it; its log holds the cause'
  await settle(db, id, { state: 'failed', reason: `${why}; replay it when that is mended`, project: null })
  return null
}

const settle = (db: Db, id: DeliveryId, fate: Fate) => transact(db, (tx) => settleIn(tx, id, fate))

async function settleIn(tx: Tx, id: DeliveryId, fate: Fate): Promise<void> {
  await tx.db
    .updateTable('deliveries')
    .set({ state: fate.state, reason: storable(fate.reason).slice(0, 4_000), processed_at: sql<Date>`now()` })
    .where('id', '=', id)
    .execute()
  tx.emit({ kind: 'delivery.processed', delivery: id, project: fate.project })
}
