import { sql } from 'kysely'
import type { DeliveryId, RepositoryId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import type { Push } from './payloads.ts'

/**
 * Tie a delivery to the repository it speaks of: by the forge's own number first, which survives a rename, else by the address of
 * one whose number nobody has told yet.
 *
 * @returns Null when it is tied, else why it is not, in words.
 */
export async function repositoryOf(db: Db, delivery: DeliveryId, push: Push): Promise<string | null> {
  const named = push.repository
  if (!named) return noneUses('that it names')
  return transact(db, async (tx) => {
    const found = await find(tx, named)
    if (!found) return noneUses(named.url)
    if ('taken' in found) return taken(named, found.taken)
    await learn(tx, found.id, named)
    await tx.db
      .updateTable('deliveries')
      .set({ repository_id: found.id })
      .where('id', '=', delivery)
      .execute()
    return null
  })
}

const noneUses = (url: string) => `no project uses the repository ${url}: add one with \`takt projects add\``
const taken = ({ url, forgeId }: Named, ours: string) =>
  `${url} is another repository now (number ${forgeId}, and ours is ${ours}), which gets nothing that ours has; ` +
  'when ours has a new name, push to it once'

type Named = NonNullable<Push['repository']>

async function find(tx: Tx, { forgeId, url }: Named) {
  const known = tx.db.selectFrom('repositories').select(['id'])
  const sameForge = `${new URL(url).origin}/`
  const byNumber = await known
    .where('forge_id', '=', forgeId)
    .where(sql<boolean>`starts_with(url, ${sameForge})`)
    .executeTakeFirst()
  if (byNumber) return byNumber
  const byAddress = await known.select('forge_id').where('url', '=', url).executeTakeFirst()
  // Names of repositories are given up and taken by others; a number never is.
  return byAddress?.forge_id != null && forgeId !== null ? { taken: byAddress.forge_id } : byAddress
}

/** What the forge says of the repository now. Its address is taken over unless another repository of ours stands there. */
async function learn(tx: Tx, id: RepositoryId, { url, forgeId, defaultBranch }: Named): Promise<void> {
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
      ...(other ? {} : { url }),
      ...(defaultBranch === null ? {} : { default_branch: defaultBranch }),
    })
    .where('id', '=', id)
    .execute()
}
