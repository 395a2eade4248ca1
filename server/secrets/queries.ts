import { sql } from 'kysely'
import type { UserId } from '#pipelines/ids.ts'
import { type Scope, scopeWords } from '#pipelines/plan/secret-scopes.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { type Keyring, sealingKey } from './keyring.ts'
import { type Owner, placeOf } from './owner.ts'
import type { StoreName } from './stores/store.ts'
import { type Place, seal, Unsealable } from './seal.ts'

/** A secret as people see it: everything but its value. */
export type SecretRow = Awaited<ReturnType<typeof listSecrets>>[number]

const shown = (db: Db | Trx) =>
  db
    .selectFrom('secrets')
    .innerJoin('users', 'users.id', 'secrets.updated_by')
    .select([
      ...(['secrets.id', 'secrets.name', 'environment', 'job', 'trigger', 'branch'] as const),
      ...(['project_id', 'secrets.organization_id', 'store', 'reference'] as const),
      ...(['secrets.created_at', 'secrets.updated_at', 'users.name as updated_by'] as const),
    ])

export const listSecrets = (db: Db | Trx, { project_id, organization_id }: Owner) =>
  shown(db)
    .where('project_id', 'is not distinct from', project_id)
    .where('secrets.organization_id', 'is not distinct from', organization_id)
    .orderBy('secrets.name')
    .orderBy('secrets.id')
    .execute()

/** One of the secrets of a name, by what it is for. */
export type Named = { readonly owner: Owner; readonly name: string; readonly scope: Scope }
/** A value to keep here, or where somebody else keeps one. */
export type Kept = { readonly value: string } | { readonly store: StoreName; readonly reference: string }
type NewSecret = Named & { readonly kept: Kept; readonly by: UserId }

/** Store a secret's value, in place of the one it may have had. */
export async function setSecret(tx: Tx, secret: NewSecret, keys: Keyring): Promise<SecretRow> {
  const { owner, name, scope, by } = secret
  const kept = await keptOf(tx.db, secret, keys)
  const { isNew } = await tx.db
    .insertInto('secrets')
    .values({ ...owner, name, ...scope, ...kept, updated_by: by })
    .onConflict((oc) =>
      oc
        .columns(['project_id', 'organization_id', 'name', 'environment', 'job', 'trigger', 'branch'])
        .doUpdateSet({ ...kept, updated_by: by, updated_at: sql<Date>`now()` }),
    )
    // a row that was there has been locked by this transaction on its way to the update, and says so
    .returning(sql<boolean>`xmax = 0`.as('isNew'))
    .executeTakeFirstOrThrow()
  const narrowed = narrowedTo(scope)
  const value = isNew ? 'set' : 'changed'
  const what = 'store' in secret.kept ? secret.kept : { value }
  audited({ before: isNew ? null : narrowed, after: { ...what, ...narrowed } })
  return theSecret(tx.db, secret)
}

async function keptOf(db: Trx, { owner, name, scope, kept }: NewSecret, keys: Keyring) {
  if ('store' in kept) return { sealed: null, store: kept.store, reference: kept.reference }
  const { wrapping } = await sealingKey(db, keys)
  const sealed = seal(kept.value, placeOf({ ...owner, name, ...scope }), wrapping)
  return { sealed, store: null, reference: null }
}

/** Let a secret be for other runs than before; its value stays. @throws {Problem} `secret-not-found`, `secret-exists`. */
export async function narrowSecret(
  tx: Tx,
  { to, by, ...secret }: Named & { readonly to: Scope; readonly by: UserId },
  keys: Keyring,
): Promise<SecretRow> {
  const { wrapping } = await sealingKey(tx.db, keys)
  const { id } = await theSecret(tx.db, secret)
  const { owner, name } = secret
  const there = { owner, name, scope: to }
  if ((await exactly(tx.db, there)).some((other) => other.id !== id))
    throw new Problem('secret-exists', `there is a \`${name}\` for just that already: remove one of the two`)
  const { sealed } = await tx.db
    .selectFrom('secrets')
    .select('sealed')
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirstOrThrow()
  const value = sealed && (await opened(sealed, placeOf({ ...owner, name, ...secret.scope }), keys))
  await tx.db
    .updateTable('secrets')
    .set({
      ...to,
      sealed: value === null ? null : seal(value, placeOf({ ...owner, name, ...to }), wrapping),
      updated_by: by,
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .execute()
  audited({ before: narrowedTo(secret.scope), after: narrowedTo(to) })
  return theSecret(tx.db, there)
}

/** The runs that a secret is for, as the audit log tells it, which knows no more of a secret. */
const narrowedTo = ({ environment, job, trigger, branch }: Scope): Scope => ({
  environment,
  job,
  trigger,
  branch,
})

async function opened(sealed: Buffer, place: Place, keys: Keyring): Promise<string> {
  try {
    return await keys.unseal(sealed, place)
  } catch (error) {
    if (error instanceof Unsealable) throw new Problem('secret-unreadable', error.message)
    throw error
  }
}

/** @throws {Problem} `secret-not-found`. */
export async function removeSecret(tx: Tx, secret: Named): Promise<SecretRow> {
  const found = await theSecret(tx.db, secret)
  await tx.db.deleteFrom('secrets').where('id', '=', found.id).execute()
  audited({ before: narrowedTo(secret.scope) })
  return found
}

const exactly = (db: Trx, { owner, name, scope }: Named) =>
  shown(db)
    .where('project_id', 'is not distinct from', owner.project_id)
    .where('secrets.organization_id', 'is not distinct from', owner.organization_id)
    .where('secrets.name', '=', name)
    .where('environment', 'is not distinct from', scope.environment)
    .where('job', 'is not distinct from', scope.job)
    .where('trigger', 'is not distinct from', scope.trigger)
    .where('branch', 'is not distinct from', scope.branch)
    .execute()

/** @throws {Problem} `secret-not-found`, which tells what else is there under the name. */
async function theSecret(db: Trx, secret: Named): Promise<SecretRow> {
  const [found] = await exactly(db, secret)
  if (found) return found
  throw new Problem('secret-not-found', await whatElse(db, secret))
}

async function whatElse(db: Trx, { owner, name, scope }: Named): Promise<string> {
  const others = (await listSecrets(db, owner)).filter((each) => each.name === name)
  if (others.length === 0) return `there is no secret \`${name}\` here`
  const words = others.map((each) => scopeWords(each)).join(', one ')
  return `there is no secret \`${name}\` ${scopeWords(scope)}; there is one ${words}`
}
