import { sql } from 'kysely'
import type { DeliveryId, RepositoryId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'
import type { Push } from './payloads.ts'

type Told = { readonly id: DeliveryId; readonly push: Push }
type Of = { readonly id: RepositoryId; readonly kind: 'hosted' | 'git' | 'github' }

/**
 * Whether a push says where its ref points now, or is an old one: told again, or overtaken on its way.
 *
 * It is old when a later delivery has moved the ref already, or when some later push went on from the commit it brings; unless it
 * says itself that it comes right after the last one (a branch moved back to where it was).
 */
export async function headOf(db: Trx, repository: Of, { id, push }: Told): Promise<'now' | 'before'> {
  const last = await db
    .selectFrom('applied_pushes')
    .select(['sha', 'delivery_id'])
    .where('repository_id', '=', repository.id)
    .where('name', '=', push.ref)
    .forUpdate()
    .executeTakeFirst()
  if (!last) return 'now'
  if (last.delivery_id > id) return 'before'
  if (push.before === last.sha || push.after === null) return 'now'
  return (await wentOnFrom(db, repository, push)) ? 'before' : 'now'
}

/** Whether a push of this ref is on record that began at the commit which this one brings. */
async function wentOnFrom(db: Trx, repository: Of, { ref, after }: Push): Promise<boolean> {
  const found = await db
    .selectFrom('versions')
    .innerJoin('resources', 'resources.id', 'versions.resource_id')
    .select('versions.id')
    .where('resources.repository_id', '=', repository.id)
    .where(sql`versions.body ->> 'before'`, '=', after)
    .where(sql`versions.body ->> 'ref'`, '=', ref)
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}

/** The ref points there now, and this delivery said so. */
export async function noteApplied(db: Trx, repository: Of, { id, push }: Told): Promise<void> {
  const { ref, after } = push
  await db
    .insertInto('applied_pushes')
    .values({ repository_id: repository.id, name: ref, sha: after, delivery_id: id })
    .onConflict((oc) => oc.columns(['repository_id', 'name']).doUpdateSet({ sha: after, delivery_id: id }))
    .execute()
}
