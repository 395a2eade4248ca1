import { sql } from 'kysely'
import type { OrganizationId, UserId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import { endWaysIn } from './tokens.ts'

/** What a person or a program may be called: a word that fits into an address, and into a line of a log. */
export const USER_NAME = /^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$/i
export const USER_NAME_RULE =
  'a name has 1 to 100 letters, digits, `.`, `-` and `_`, a letter or digit first and last'

export type UserRow = Awaited<ReturnType<typeof listUsers>>[number]
export type UserPage = { readonly after: string | null; readonly limit: number }

/** Everybody there is, by name. */
export const listUsers = (db: Db | Trx, { after, limit }: UserPage) =>
  db
    .selectFrom('users')
    .leftJoin('organizations', 'organizations.id', 'users.organization_id')
    .select(['users.id', 'users.name', 'users.kind', 'users.role', 'users.email', 'users.created_at'])
    .select(['users.disabled_at', 'organizations.name as organization'])
    .select((eb) => [
      eb
        .exists(eb.selectFrom('passwords').select('phc').whereRef('user_id', '=', 'users.id'))
        .as('has_password'),
      eb
        .selectFrom('tokens')
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .whereRef('user_id', '=', 'users.id')
        .as('tokens'),
      sql<Date | null>`greatest((select max(seen_at) from sessions where user_id = users.id),
        (select max(last_used_at) from tokens where user_id = users.id))`.as('seen_at'),
    ])
    .$if(after !== null, (of) => of.where('users.name', '>', after ?? ''))
    .orderBy('users.name')
    .limit(limit)
    .execute()

type Found = {
  readonly id: UserId
  readonly kind: 'person' | 'service'
  readonly role: 'admin' | 'member'
  readonly disabled_at: Date | null
}

/** @throws {Problem} `user-not-found`. The row stays as it is until the transaction ends. */
export async function theUser(db: Trx, name: string): Promise<Found> {
  const row = await db
    .selectFrom('users')
    .select(['id', 'kind', 'role', 'disabled_at'])
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst()
  if (!row) throw new Problem('user-not-found', `there is nobody called \`${name}\``)
  return row
}

/** Make somebody. @throws {Problem} `name-taken`, for a name or an e-mail address. */
export async function addUser(
  db: Trx,
  user: {
    readonly name: string
    readonly kind: 'person' | 'service'
    readonly email: string | null
    readonly organization: OrganizationId | null
  },
): Promise<UserId> {
  const { organization: organization_id, ...rest } = user
  const row = await db
    .insertInto('users')
    .values({ ...rest, role: 'member', organization_id })
    .onConflict((oc) => oc.doNothing())
    .returning('id')
    .executeTakeFirst()
  if (!row)
    throw new Problem(
      'name-taken',
      `\`${user.name}\` or its e-mail address belongs to somebody; choose another`,
    )
  return row.id
}

/** Shut somebody out: sessions and links end, tokens sleep until they are let in again. */
export async function disableUser(db: Trx, user: Found): Promise<void> {
  if (user.role === 'admin') await keepAnAdmin(db, user.id)
  audited({ before: { disabled: user.disabled_at !== null }, after: { disabled: true } })
  await db
    .updateTable('users')
    .set({ disabled_at: sql<Date>`coalesce(disabled_at, now())` })
    .where('id', '=', user.id)
    .execute()
  await endWaysIn(db, user.id)
}

export async function enableUser(db: Trx, { id, disabled_at }: Found): Promise<void> {
  audited({ before: { disabled: disabled_at !== null }, after: { disabled: false } })
  await db.updateTable('users').set({ disabled_at: null }).where('id', '=', id).execute()
}

export async function setRole(db: Trx, user: Found, role: 'admin' | 'member'): Promise<void> {
  if (user.kind === 'service' && role === 'admin')
    throw new Problem(
      'not-for-services',
      'a service account belongs to its organization; only people are admins of the server',
    )
  if (role === 'member' && user.role === 'admin') await keepAnAdmin(db, user.id)
  audited({ before: { role: user.role }, after: { role } })
  await db.updateTable('users').set({ role }).where('id', '=', user.id).execute()
}

/** Two admins that shut each other out at once wait for each other here. @throws {Problem} `last-admin`. */
async function keepAnAdmin(db: Trx, besides: UserId): Promise<void> {
  const admins = await db
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'admin')
    .where('disabled_at', 'is', null)
    .orderBy('id')
    .forUpdate()
    .execute()
  if (!admins.some(({ id }) => id !== besides))
    throw new Problem(
      'last-admin',
      'nobody else could let anybody in again; make somebody else an admin first',
    )
}
