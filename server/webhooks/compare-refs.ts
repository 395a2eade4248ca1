import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { DeliveryId, RepositoryId } from '#pipelines/ids.ts'
import { ofProject } from '../catalog/queries.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { allRefs, type AllRefs } from '../forges/all-refs.ts'
import { GitError } from '../forges/git.ts'
import type { Forges } from '../forges/repository.ts'
import type { Compared, Due } from './comparisons.ts'
import { type Difference, differencesOf } from './differences.ts'
import { movedPull } from './moved-pull.ts'
import { storeDelivery } from './receive.ts'
import { lockRepository } from './standing.ts'
import { listPulls, type PullForges, tellPulls } from './told-pulls.ts'

type Deps = { readonly db: Db; readonly forges: Forges; readonly pullForges: PullForges }

/** The event of what was found by comparing. */
export const CAUGHT_UP = 'catch-up'
/** So many differences are told of at once; the others are found by the next look. */
const MOST_TOLD = 1_000
const PULLS = 'refs/pull/'

/**
 * Hold the refs of a repository on another server against those that its deliveries have told of, and its pull requests where their forge
 * shows them, and store a delivery for each difference: from there on it goes the way of every push.
 *
 * While deliveries of it wait or come in, nothing is said: what the other server showed may be older than they are.
 */
export async function compareRefs(
  { db, forges, pullForges }: Deps,
  { id, isFirst, isUnlisted }: Due,
): Promise<Compared> {
  const repository = await db
    .selectFrom('repositories')
    .selectAll()
    .select(ofProject.as('ofProject'))
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  const before = await markOf(db, id)
  if (before === null) return { busy: true }
  const signal = forges.quit ?? new AbortController().signal
  const listed = await listPulls(db, pullForges, { repository, signal })
  const pulls = listed ? [] : [...(await appliedOf(db, id)).keys()].filter((ref) => ref.startsWith(PULLS))
  let shown: AllRefs
  try {
    shown = await allRefs(forges, repository, pulls)
  } catch (error) {
    if (error instanceof GitError) return { error: `its server does not show the refs: ${error.words}` }
    throw error
  }
  return transact(db, async (tx) => {
    await lockRepository(tx.db, { id, default_branch: repository.default_branch })
    if ((await markOf(tx.db, id)) !== before) return { busy: true }
    const preset = shown.defaultBranch ?? repository.default_branch
    if (preset !== repository.default_branch)
      await tx.db.updateTable('repositories').set({ default_branch: preset }).where('id', '=', id).execute()
    const compared = await tellOf(tx, { id, isFirst, main: `refs/heads/${preset}`, now: shown.refs })
    if (!listed || !('told' in compared)) return compared
    if ('unlisted' in listed)
      return { ...compared, unlisted: `its pull requests cannot be listed: ${listed.unlisted}` }
    const pulls = { ...listed, isFirst: isUnlisted, most: MOST_TOLD }
    return { told: compared.told + (await tellPulls(tx, id, pulls)), listed: true }
  })
}

/** The newest delivery of a repository; null while one waits, or waits for its repository to be found. */
async function markOf(db: Db | Trx, id: RepositoryId): Promise<number | null> {
  const { rows } = await sql<{ newest: number; waits: boolean }>`
    select coalesce((select max(id) from deliveries where repository_id = ${id}), 0) as newest,
      exists (select from deliveries where state = 'received' and (repository_id = ${id} or repository_id is null)) as waits`.execute(
    db,
  )
  const [row] = rows
  return row && !row.waits ? row.newest : null
}

const appliedOf = async (db: Db | Trx, id: RepositoryId) => {
  const rows = await db
    .selectFrom('applied_pushes')
    .select(['name', 'sha', 'delivery_id'])
    .where('repository_id', '=', id)
    .execute()
  return new Map(rows.map((row) => [row.name, row]))
}

type Looked = {
  readonly id: RepositoryId
  readonly isFirst: boolean
  readonly main: string
  readonly now: ReadonlyMap<string, string>
}

async function tellOf(tx: Tx, { id, isFirst, main, now }: Looked): Promise<Compared> {
  const pushes = await appliedOf(tx.db, id)
  const applied = new Map([...pushes].map(([ref, { sha }]) => [ref, sha]))
  if (now.size === 0 && [...applied.values()].some((sha) => sha !== null))
    return { error: 'its server shows no refs at all: it is empty or lost, and nothing is closed for that' }
  const rows = await tx.db
    .selectFrom('refs')
    .select(['name', 'sha'])
    .where('repository_id', '=', id)
    .execute()
  const seen = new Map(rows.map(({ name, sha }) => [name, sha]))
  const all = differencesOf(now, { applied, seen, isFirst, main })
  const told = all.slice(0, MOST_TOLD)
  for (const each of told) await deliver(tx, id, each, pushes.get(each.ref)?.delivery_id ?? null)
  const left = new Set(all.slice(MOST_TOLD).map(({ ref }) => ref))
  await remember(tx.db, id, new Map([...now].filter(([ref]) => !left.has(ref))))
  return { told: told.length }
}

async function deliver(
  tx: Tx,
  repository: RepositoryId,
  { ref, before, after }: Difference,
  last: DeliveryId | null,
): Promise<void> {
  const deliveryId = `compared-${randomUUID()}`
  if (ref.startsWith(PULLS)) {
    const again = last !== null && after !== null && (await movedPull(tx.db, last, { before, after }))
    if (again) await storeDelivery(tx, { ...again, deliveryId, signature: null, repository })
    return
  }
  const zero = '0'.repeat((before ?? after ?? '').length)
  const body = Buffer.from(JSON.stringify({ ref, before: before ?? zero, after: after ?? zero }))
  await storeDelivery(tx, { source: 'git', deliveryId, signature: null, event: CAUGHT_UP, repository, body })
}

/** Where each ref points now, for the next look. */
async function remember(db: Trx, id: RepositoryId, now: ReadonlyMap<string, string>): Promise<void> {
  const [names, shas] = [[...now.keys()], [...now.values()]]
  await sql`delete from refs where repository_id = ${id} and not (name = any(${names}::text[]))`.execute(db)
  await sql`insert into refs (repository_id, name, sha)
    select ${id}, * from unnest(${names}::text[], ${shas}::text[])
    on conflict (repository_id, name) do update set sha = excluded.sha, updated_at = now()
    where refs.sha <> excluded.sha`.execute(db)
}
