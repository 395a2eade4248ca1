import { sql } from 'kysely'
import type { DeliveryId, RepositoryId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import type { Push } from './payloads.ts'

/**
 * Tie a delivery to the repository it speaks of: by the forge's own number first, which survives a rename, else by its address.
 *
 * @returns Whether there is one.
 */
export async function repositoryOf(db: Db, delivery: DeliveryId, push: Push): Promise<boolean> {
  const named = push.repository
  if (!named) return false
  return transact(db, async (tx) => {
    const found = await find(tx, named)
    if (!found) return false
    await learn(tx, found.id, named)
    await tx.db
      .updateTable('deliveries')
      .set({ repository_id: found.id })
      .where('id', '=', delivery)
      .execute()
    return true
  })
}

type Named = NonNullable<Push['repository']>

async function find(tx: Tx, { forgeId, url }: Named) {
  const known = tx.db.selectFrom('repositories').select(['id'])
  const sameForge = `${new URL(url).origin}/`
  const byNumber = await known
    .where('forge_id', '=', forgeId)
    .where(sql<boolean>`starts_with(url, ${sameForge})`)
    .executeTakeFirst()
  return byNumber ?? known.where('url', '=', url).executeTakeFirst()
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
