import { sql } from 'kysely'
import type { Role } from '#pipelines/access/roles.ts'
import type { ProjectId, UserId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import { inMs } from '../db/transact.ts'
import type { User, Via } from '../http/kit.ts'
import { hashSecret } from './derive.ts'
import { newSecret } from './key-files.ts'

const LINK_MS = 24 * 3_600_000

/** The one who was here first. Made when the first server starts; told twice, made once. */
export async function ensureAdmin(db: Db): Promise<UserId> {
  await db
    .insertInto('users')
    .values({ name: 'admin', role: 'admin' })
    .onConflict((oc) => oc.doNothing())
    .execute()
  const admin = await db
    .selectFrom('users')
    .select('id')
    .where('name', '=', 'admin')
    .executeTakeFirstOrThrow()
  return admin.id
}

/** The letters by which its owner knows a token again; too few to open anything with, and none where others chose it. */
export const prefixOf = (secret: string): string | null =>
  /^takt_[\w-]{40,}$/.test(secret) ? secret.slice(0, 11) : null

type ManagedToken = { readonly user: UserId; readonly name: string; readonly secret: string | null }

/**
 * Make `secret` the API token of this name of `user`, and the one that had the name before worthless; null leaves none. Known
 * already, nothing changes.
 */
export async function ensureToken(db: Db, { user, name, secret }: ManagedToken): Promise<void> {
  if (secret === '') throw new Error(`the API token \`${name}\` is empty`)
  if (secret === null) {
    await db.deleteFrom('tokens').where('user_id', '=', user).where('name', '=', name).execute()
    return
  }
  const fresh = {
    hash: hashSecret(secret),
    prefix: prefixOf(secret),
    created_at: sql<Date>`now()`,
    expires_at: null,
    last_used_at: null,
  }
  await db
    .insertInto('tokens')
    .values({ user_id: user, name, ...fresh })
    .onConflict((oc) =>
      oc.columns(['user_id', 'name']).doUpdateSet(fresh).whereRef('tokens.hash', '!=', 'excluded.hash'),
    )
    .execute()
}

/** A link that signs its opener in once, within a day. */
export async function newLoginLink(db: Db | Trx, user: UserId): Promise<string> {
  const secret = newSecret()
  await db
    .insertInto('login_links')
    .values({ hash: hashSecret(secret), user_id: user, expires_at: inMs(LINK_MS), used_at: null })
    .execute()
  return secret
}

/** Use a login link up. @returns Whose it was, or null when it is unknown, used or too old. */
export async function spendLoginLink(db: Db | Trx, secret: string): Promise<UserId | null> {
  const spent = await db
    .updateTable('login_links')
    .set({ used_at: sql<Date>`now()` })
    .where('hash', '=', hashSecret(secret))
    .where('used_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .where('user_id', 'in', (users) =>
      users.selectFrom('users').select('id').where('disabled_at', 'is', null),
    )
    .returning('user_id')
    .executeTakeFirst()
  return spent?.user_id ?? null
}

/** Somebody, by what they showed, with the bounds of the token: at most a role, in one project alone; null where it has none. */
export type Identity = User & {
  readonly most: Role | null
  readonly only: ProjectId | null
  readonly via: Via
}

/** Whose API token it is. Its last use is noted at most once a minute, so that reading stays reading. */
export async function userOfToken(db: Db, secret: string): Promise<Identity | null> {
  if (secret === '') return null
  const row = await db
    .selectFrom('tokens')
    .innerJoin('users', 'users.id', 'tokens.user_id')
    .select(['users.id', 'users.name', 'users.role', 'tokens.id as token', 'tokens.last_used_at'])
    .select(['tokens.name as token_name', 'tokens.expires_at', 'users.kind'])
    .select(['tokens.role as most', 'tokens.project_id as only'])
    .where('tokens.hash', '=', hashSecret(secret))
    .where('users.disabled_at', 'is', null)
    .where((eb) =>
      eb.or([eb('tokens.expires_at', 'is', null), eb('tokens.expires_at', '>', sql<Date>`now()`)]),
    )
    .executeTakeFirst()
  if (!row) return null
  if (row.last_used_at === null || Date.now() - row.last_used_at.getTime() > 60_000) {
    await db
      .updateTable('tokens')
      .set({ last_used_at: sql<Date>`now()` })
      .where('id', '=', row.token)
      .execute()
  }
  const { id, name, role, most, only, kind, expires_at } = row
  const via = { by: 'token', id: row.token, name: row.token_name, expires_at, kind } as const
  return { id, name, role, most, only, via }
}
