import { sql } from 'kysely'
import type { DeliveryId, RepositoryId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import type { Addressee } from './addressee.ts'
import type { Push } from './payloads.ts'

/** Why a delivery is tied to no repository, in words; `refused` where it speaks of what is not its sender's. */
export type Untied = { readonly state: 'ignored' | 'refused'; readonly reason: string }
type Named = NonNullable<Push['repository']>
type Found = { readonly id: RepositoryId; readonly url: string; readonly forge_id: string | null }
type Told = { readonly named: Push['repository']; readonly addressee: Addressee | null }

/**
 * Tie a delivery to the repository it speaks of: by the forge's own number first, which survives a rename, else by an address of one
 * whose number nobody has told yet. A project's own secret speaks for that project's repository, and for no other.
 *
 * @returns Null when it is tied.
 */
export async function repositoryOf(
  db: Db,
  delivery: DeliveryId,
  { named, addressee }: Told,
): Promise<Untied | null> {
  if (!named) return noneUses('that it names')
  return transact(db, async (tx) => {
    const found = await find(tx, named)
    if (addressee && found?.id !== addressee.repository_id) return notTheirs(named, addressee)
    if (!found) return noneUses(named.url)
    // Names of repositories are given up and taken by others; a number never is.
    if (found.forge_id !== null && named.forgeId !== null && found.forge_id !== named.forgeId)
      return taken(named, found.forge_id)
    if (!addressee) await learn(tx, found, named)
    await tx.db
      .updateTable('deliveries')
      .set({ repository_id: found.id })
      .where('id', '=', delivery)
      .execute()
    return null
  })
}

const noneUses = (url: string): Untied => ({
  state: 'ignored',
  reason: `no project uses the repository ${url}: add one with \`takt projects add\``,
})
const taken = ({ url, forgeId }: Named, ours: string): Untied => ({
  state: 'refused',
  reason:
    `${url} is another repository now (number ${forgeId}, and ours is ${ours}), which gets nothing that ours has; ` +
    'when ours has a new name, push to it once',
})
const notTheirs = ({ url }: Named, { name, url: own, kind }: Addressee): Untied => ({
  state: 'refused',
  reason:
    `it speaks of the repository ${url}, and the secret is that of \`${name}\`, whose repository is ` +
    `${kind === 'hosted' ? 'hosted here' : own}: give each project's hook its own secret`,
})

async function find(tx: Tx, { forgeId, url, others = [] }: Named): Promise<Found | undefined> {
  const known = tx.db.selectFrom('repositories').select(['id', 'url', 'forge_id'])
  if (forgeId !== null) {
    const sameForge = `${new URL(url).origin}/`
    const byNumber = await known
      .where('forge_id', '=', forgeId)
      .where(sql<boolean>`starts_with(url, ${sameForge})`)
      .executeTakeFirst()
    if (byNumber) return byNumber
  }
  const spelt = [url, ...others].flatMap(spellings)
  return known
    .where('url', 'in', spelt)
    .orderBy((eb) => eb('url', '=', url), 'desc')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
}

/** People leave out the `.git` that forges write, and the other way round. */
const spellings = (url: string): string[] => {
  const bare = url.replace(/\.git$/, '')
  return [bare, `${bare}.git`]
}

/**
 * What the forge says of the repository now. Its address is taken over unless another repository of ours stands there, or it is one of
 * those that the forge names: a project that was added by SSH is read by SSH. Only the server's own secret is believed in this.
 */
async function learn(tx: Tx, { id, url: ours }: Found, named: Named): Promise<void> {
  const { url, others = [], forgeId, defaultBranch } = named
  const isNamed = [url, ...others].flatMap(spellings).includes(ours)
  const other = await tx.db
    .selectFrom('repositories')
    .select('id')
    .where('url', '=', url)
    .where('id', '<>', id)
    .executeTakeFirst()
  await tx.db
    .updateTable('repositories')
    .set({
      forge_id: forgeId,
      ...(other || isNamed ? {} : { url }),
      ...(defaultBranch === null ? {} : { default_branch: defaultBranch }),
    })
    .where('id', '=', id)
    .execute()
}
