import { randomUUID } from 'node:crypto'
import type { RepositoryId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'
import { type AtForge, forgeByHost, forgeOf } from '../forges/forge-of.ts'
import { ForgeRefusal } from '../forges/forge-refusal.ts'
import { hasOwnToken, OWN_TOKEN, type TokenOf } from '../forges/own-token.ts'
import type { KnownPullForge } from '../forges/pull-forges.ts'
import type { PullForge, ShownPull } from '../forges/pull-lists.ts'
import type { Push } from './payloads.ts'
import { factsOf, type KnownPull, pullDifferences } from './pull-differences.ts'
import { storeDelivery } from './receive.ts'

/** Whoever takes longer is away, or has more than anybody looks at. */
const MOST_MS = 60_000

type Repository = {
  readonly id: RepositoryId
  readonly kind: string
  readonly url: string
  readonly forge_id: string | null
}
/** What a forge shows of a repository's pull requests; in words why it shows nothing. */
export type Listed =
  { readonly at: AtForge<PullForge>; readonly shown: readonly ShownPull[] } | { readonly unlisted: string }

export type PullForges = { readonly known: readonly KnownPullForge[]; readonly tokenOf: TokenOf }
type Listing = { readonly repository: Repository; readonly signal: AbortSignal }

/**
 * By a token of a project whose repository it is, else by the server's own.
 *
 * @returns Null where no forge shows them to us.
 */
export async function listPulls(db: Db, forges: PullForges, listing: Listing): Promise<Listed | null> {
  const { repository } = listing
  const by = await byOwnToken(db, forges, repository)
  const openToUs = forges.known.flatMap(({ own }) => (own ? [own] : []))
  const ours = await forgeOf(db, openToUs, repository)
  if (!by) return ours && listAt(db, ours, listing)
  const listed = typeof by === 'string' ? { unlisted: by } : await listAt(db, by, listing)
  // The server's own token may be good where a project's is not.
  return 'unlisted' in listed && ours ? listAt(db, ours, listing) : listed
}

/** The forge on whose host the repository lies, by the token of the first project that has one; in words why that opens nothing. */
async function byOwnToken(
  db: Db,
  { known, tokenOf }: PullForges,
  repository: Repository,
): Promise<AtForge<PullForge> | string | null> {
  const at = forgeByHost(known, repository)
  if (!at) return null
  for (const { id, name } of await projectsOf(db, repository.id))
    if (await hasOwnToken(db, id))
      try {
        const token = await tokenOf(name)
        if (token) return { forge: at.forge.by(token), repository: at.repository }
      } catch (error) {
        return `the secret \`${OWN_TOKEN}\` of ${name} cannot be opened: ${error instanceof Error ? error.message : error}`
      }
  return null
}

const projectsOf = (db: Db, repository: RepositoryId) =>
  db
    .selectFrom('projects')
    .select(['id', 'name'])
    .where('repository_id', '=', repository)
    .orderBy('id')
    .execute()

async function listAt(db: Db, at: AtForge<PullForge>, { repository, signal }: Listing): Promise<Listed> {
  const known = await knownPulls(db, repository.id)
  const open = [...known].filter(([, { sha }]) => sha !== null).map(([number]) => number)
  const late = AbortSignal.timeout(MOST_MS)
  try {
    const shown = await at.forge.pulls({
      ...{ repository: at.repository, url: repository.url, open },
      signal: AbortSignal.any([signal, late]),
    })
    const other = shown.find(
      ({ repositoryId: id }) => repository.forge_id !== null && id !== repository.forge_id,
    )
    if (!other) return { at, shown }
    const words = `${at.repository} is another repository now (number ${other.repositoryId}, and ours is ${repository.forge_id})`
    return { unlisted: words }
  } catch (error) {
    if (error instanceof ForgeRefusal) return { unlisted: error.message }
    if (late.aborted && !signal.aborted)
      return { unlisted: `that took longer than ${MOST_MS / 1_000} seconds` }
    throw error
  }
}

/** Pull requests as they were told of last; of those from before this was written down, their heads alone. */
async function knownPulls(db: Db | Trx, id: RepositoryId): Promise<Map<number, KnownPull>> {
  const applied = await db
    .selectFrom('applied_pushes')
    .select(['name', 'sha'])
    .where('repository_id', '=', id)
    .where('name', 'like', 'refs/pull/%')
    .execute()
  const told = await db
    .selectFrom('told_pulls')
    .select(['number', 'sha', 'facts'])
    .where('repository_id', '=', id)
    .execute()
  return new Map<number, KnownPull>([
    ...applied.map(({ name, sha }) => [Number(name.split('/')[2]), { sha, facts: null }] as const),
    ...told.map(({ number, ...pull }) => [number, pull] as const),
  ])
}

/** A delivery for each pull request that is not as we were told. @returns How many. */
export async function tellPulls(
  tx: Tx,
  id: RepositoryId,
  { at, shown, isFirst, most }: Extract<Listed, { shown: unknown }> & { isFirst: boolean; most: number },
): Promise<number> {
  const all = pullDifferences(shown, { known: await knownPulls(tx.db, id), isFirst })
  const told = all.slice(0, most)
  for (const { pull, change } of told)
    await storeDelivery(tx, {
      ...{ source: at.forge.name, deliveryId: `compared-${randomUUID()}`, signature: null },
      ...{ event: at.forge.event, repository: id, body: Buffer.from(JSON.stringify(pull.told(change))) },
    })
  const left = new Set(all.slice(most).map(({ pull }) => pull))
  for (const pull of shown)
    if (!left.has(pull)) await note(tx.db, id, { number: pull.number, sha: pull.sha, facts: factsOf(pull) })
  return told.length
}

/** Somebody told of a pull request, and something was made of it. */
export async function noteToldPull(db: Trx, id: RepositoryId, { after, pull }: Push): Promise<void> {
  if (pull) await note(db, id, { number: pull.number, sha: after, facts: factsOf(pull) })
}

const note = (db: Trx, id: RepositoryId, pull: KnownPull & { readonly number: number }) =>
  db
    .insertInto('told_pulls')
    .values({ repository_id: id, ...pull })
    .onConflict((oc) =>
      oc
        .columns(['repository_id', 'number'])
        .doUpdateSet({ sha: pull.sha, facts: pull.facts })
        .where((eb) =>
          eb.or([
            eb('told_pulls.sha', 'is distinct from', pull.sha),
            eb('told_pulls.facts', 'is distinct from', pull.facts),
          ]),
        ),
    )
    .execute()
