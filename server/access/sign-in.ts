import { sql } from 'kysely'
import type { UserId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import { checkStrength, hashPassword, isPassword } from './passwords.ts'
import { countGuess, forgive } from './throttle.ts'

export type Guess = { readonly name: string; readonly password: string; readonly address: string }

/**
 * Whose name (or e-mail address) and password these are. Whether there is no such account, it has no password, is disabled, or
 * the password is wrong: the answer is one, after the same time.
 *
 * @throws {Problem} `bad-login`, `too-many-attempts`.
 */
export async function userByPassword(db: Db, { name, password, address }: Guess): Promise<UserId> {
  const guess = { account: name, address }
  await countGuess(db, guess)
  const found = await db
    .selectFrom('users')
    .innerJoin('passwords', 'passwords.user_id', 'users.id')
    .select(['users.id', 'passwords.phc'])
    .where((eb) =>
      name.includes('@') ? eb(sql`lower(users.email)`, '=', name.toLowerCase()) : eb('users.name', '=', name),
    )
    .where('users.kind', '=', 'person')
    .where('users.disabled_at', 'is', null)
    .executeTakeFirst()
  // who guesses at an account is told of with it; a password that was typed in place of a name is not
  if (found) audited({ target: `/session as ${name}` })
  if (!(await isPassword(password, found?.phc ?? null)) || !found)
    throw new Problem(
      'bad-login',
      'look for a slip of the pen; an open login link lets you set a new password',
    )
  await forgive(db, guess)
  return found.id
}

/** Whether somebody has set a password. */
export async function hasPassword(db: Db, user: UserId): Promise<boolean> {
  const row = await db
    .selectFrom('passwords')
    .select('user_id')
    .where('user_id', '=', user)
    .executeTakeFirst()
  return row !== undefined
}

export type Change = {
  readonly current: string | null
  readonly password: string
  readonly address: string
}

/**
 * What has to be kept for a new password, if whoever sets it knows the present one. Who has none yet needs to know nothing.
 *
 * @throws {Problem} `wrong-password`, `weak-password`, `too-many-attempts`.
 */
export async function newPhc(db: Db, user: UserId, { current, password, address }: Change): Promise<string> {
  const who = await db
    .selectFrom('users')
    .leftJoin('passwords', 'passwords.user_id', 'users.id')
    .select(['users.name', 'users.email', 'passwords.phc'])
    .where('users.id', '=', user)
    .executeTakeFirstOrThrow()
  checkStrength(password, [who.name, who.email?.split('@')[0] ?? '', 'takt'])
  if (who.phc !== null) {
    const guess = { account: who.name, address }
    await countGuess(db, guess)
    if (!(await isPassword(current ?? '', who.phc)))
      throw new Problem('wrong-password', 'send the one that you sign in with now as `current`')
    await forgive(db, guess)
  }
  return hashPassword(password)
}

/** Keep a password; login links that were made before open nothing any more. */
export async function keepPassword(db: Trx, user: UserId, phc: string): Promise<void> {
  const fresh = { phc, changed_at: sql<Date>`now()` }
  await db
    .insertInto('passwords')
    .values({ user_id: user, ...fresh })
    .onConflict((oc) => oc.column('user_id').doUpdateSet(fresh))
    .execute()
  await db.deleteFrom('login_links').where('user_id', '=', user).where('used_at', 'is', null).execute()
}
