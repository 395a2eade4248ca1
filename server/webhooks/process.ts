import { type NotNull, sql } from 'kysely'
import type { RepositoryId } from '#pipelines/ids.ts'
import { ofProject } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { LOCKS } from '../db/locks.ts'
import { type Forges, isHere } from '../forges/repository.ts'
import type { RegistryDeps } from '../checks/registry.ts'
import { noteAbout } from './about.ts'
import { applyPush } from './apply-push.ts'
import { loginOfDelivery } from './moved.ts'
import { hearForge, listeners, tellEvent } from './hear-forge.ts'
import { countFailure, settle, settleIn } from './settle.ts'
import { meaningOf, type SortDeps } from './sort.ts'
import { noteToldPull } from './told-pulls.ts'

export type ProcessDeps = SortDeps & {
  /** The address that people open: by it a check of ours is known again. */
  readonly publicUrl: () => string
  readonly forges: Forges
  readonly loginOf: RegistryDeps['loginOf']
}

/** Whether something was done, and when to come back for what failed. */
export type Outcome = { readonly worked: boolean; readonly retryInMs: number | null }
const NOTHING: Outcome = { worked: false, retryInMs: null }
const WORKED: Outcome = { worked: true, retryInMs: null }

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

async function processOldest(deps: ProcessDeps, of: RepositoryId): Promise<Outcome> {
  const { db, forges, loginOf } = deps
  const waiting = db
    .selectFrom('deliveries')
    .selectAll()
    .where('state', '=', 'received')
    .where('body', 'is not', null)
    .$narrowType<{ body: NotNull }>()
    .where('repository_id', '=', of)
  const delivery = await waiting.orderBy('id').limit(1).executeTakeFirst()
  if (!delivery) return NOTHING
  const { id } = delivery
  try {
    const meaning = meaningOf(delivery)
    if (!('state' in meaning)) await noteAbout(db, delivery, meaning)
    if (!('push' in meaning)) {
      const told = { delivery, meaning, repository: of } as const
      await settle(db, id, 'state' in meaning ? meaning : await hearForge(deps, { ...told, meaning }))
      return WORKED
    }
    const name = await loginOfDelivery(db, delivery)
    const opened = name && (await loginOf(name))
    const repository = { ...(await theRepository(db, of)), login: name && opened && { ...opened, of: name } }
    const told = await tellEvent(db, delivery, await listeners(db, delivery, of))
    await applyPush(db, forges, { id, push: meaning.push, repository }, async (tx, fate) => {
      await noteToldPull(tx.db, of, meaning.push)
      await settleIn(tx, id, {
        ...fate,
        state: told.came ? 'processed' : fate.state,
        reason: [fate.reason, ...told.words].join('; '),
      })
    })
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
