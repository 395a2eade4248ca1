import { sql } from 'kysely'
import type { InvitationId, UserId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { claimInvitation, giveOffer } from './invitations.ts'
import type { Claimed, Provider } from './provider.ts'
import { USER_NAME } from './users.ts'

export type Arrival = {
  readonly provider: Provider
  readonly claimed: Claimed
  readonly user: UserId | null
  readonly invitation: InvitationId | null
}

/**
 * Whose account it is that somebody comes to from a provider: the one they came to before; the one they link it to; the one whose
 * e-mail address a provider has vouched for, too; a new one, where they were invited or everybody from there is let in.
 *
 * @throws {Problem} `no-account`, `identity-taken`, `invitation-not-found`.
 */
export async function arrive(tx: Tx, { provider, claimed, user, invitation }: Arrival): Promise<UserId> {
  const known = await ownerOf(tx.db, provider, claimed)
  if (user !== null) {
    if (known !== null && known !== user)
      throw new Problem('identity-taken', `this login of ${provider.name} opens somebody else’s account`)
    await link(tx.db, user, { provider, claimed })
    return user
  }
  const found = known ?? (await vouchedFor(tx.db, provider, claimed))
  if (found !== null) {
    await refuseShutOut(tx.db, found)
    await link(tx.db, found, { provider, claimed })
    if (invitation !== null) await open(tx, invitation, found)
    return found
  }
  if (invitation === null && provider.letsIn !== 'everybody')
    throw new Problem(
      'no-account',
      `nobody here is known to ${provider.name} as that; ask an admin for an invitation`,
    )
  const made = await makeAccount(tx.db, claimed)
  await link(tx.db, made, { provider, claimed })
  if (invitation !== null) await open(tx, invitation, made)
  return made
}

async function open(tx: Tx, invitation: InvitationId, user: UserId): Promise<void> {
  await claimInvitation(tx.db, invitation)
  await giveOffer(tx, invitation, user)
}

async function ownerOf(db: Trx, { key }: Provider, { subject }: Claimed): Promise<UserId | null> {
  const row = await db
    .selectFrom('identities')
    .select('user_id')
    .where('provider', '=', key)
    .where('subject', '=', subject)
    .executeTakeFirst()
  return row?.user_id ?? null
}

const emailIs = (email: string) => sql<boolean>`lower(email) = ${email.toLowerCase()}`

/**
 * The account with this address, where a provider has vouched for it there as well as here. One that somebody else from there
 * has opened is not it: addresses are given to others when people leave.
 */
async function vouchedFor(db: Trx, { key, name }: Provider, { email }: Claimed): Promise<UserId | null> {
  if (email === null) return null
  const row = await db
    .selectFrom('users')
    .leftJoin('identities', (on) => on.onRef('user_id', '=', 'users.id').on('provider', '=', key))
    .select(['users.id', 'identities.subject'])
    .where(emailIs(email))
    .where('email_verified_at', 'is not', null)
    .where('kind', '=', 'person')
    .executeTakeFirst()
  if (!row) return null
  if (row.subject !== null)
    throw new Problem(
      'no-account',
      `the account with this address is somebody else’s at ${name}; ask an admin`,
    )
  return row.id
}

async function refuseShutOut(db: Trx, user: UserId): Promise<void> {
  const { disabled_at } = await db
    .selectFrom('users')
    .select('disabled_at')
    .where('id', '=', user)
    .executeTakeFirstOrThrow()
  if (disabled_at !== null)
    throw new Problem('no-account', 'the account is shut out; ask an admin of the server')
}

async function link(db: Trx, user: UserId, { provider, claimed }: { provider: Provider; claimed: Claimed }) {
  await db
    .insertInto('identities')
    .values({
      provider: provider.key,
      subject: claimed.subject,
      user_id: user,
      name: claimed.name.slice(0, 200),
    })
    .onConflict((oc) =>
      oc
        .columns(['user_id', 'provider'])
        .doUpdateSet({ subject: claimed.subject, name: claimed.name.slice(0, 200) }),
    )
    .execute()
  if (claimed.email === null) return
  // What was only written gives way to what a provider vouches for.
  await releaseEmail(db, claimed.email, user)
  await db
    .updateTable('users')
    .set({ email: claimed.email, email_verified_at: sql<Date>`now()` })
    .where('id', '=', user)
    .where((eb) => eb.or([eb('email', 'is', null), eb('email_verified_at', 'is', null)]))
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('users as other')
            .select('id')
            .where(sql<boolean>`lower(other.email) = ${claimed.email?.toLowerCase()}`)
            .where('other.id', '!=', user),
        ),
      ),
    )
    .execute()
}

const releaseEmail = (db: Trx, email: string, keeper: UserId) =>
  db
    .updateTable('users')
    .set({ email: null })
    .where(emailIs(email))
    .where('email_verified_at', 'is', null)
    .where('id', '!=', keeper)
    .execute()

const MOST_TRIES = 50

async function makeAccount(db: Trx, { name }: Claimed): Promise<UserId> {
  const plain = name
    .replaceAll(/[^a-z0-9._-]+/gi, '-')
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/gi, '')
    .slice(0, 90)
  const wanted = USER_NAME.test(plain) ? plain : 'somebody'
  for (let count = 1; count <= MOST_TRIES; count++) {
    const row = await db
      .insertInto('users')
      .values({ name: count === 1 ? wanted : `${wanted}-${count}`, kind: 'person', role: 'member' })
      .onConflict((oc) => oc.column('name').doNothing())
      .returning('id')
      .executeTakeFirst()
    if (row) return row.id
  }
  throw new Problem('name-taken', `\`${wanted}\` and ${MOST_TRIES} names like it are taken`)
}

export const identitiesOf = (db: Db | Trx, user: UserId) =>
  db.selectFrom('identities').select(['provider', 'name', 'created_at']).where('user_id', '=', user).execute()

/** @throws {Problem} `last-way-in`, where nothing else would open the account; `identity-not-found`. */
export async function unlink(db: Trx, user: UserId, provider: Provider): Promise<void> {
  const linked = await identitiesOf(db, user)
  if (!linked.some(({ provider: key }) => key === provider.key))
    throw new Problem('identity-not-found', `your account is not linked to ${provider.name}`)
  const password = await db
    .selectFrom('passwords')
    .select('user_id')
    .where('user_id', '=', user)
    .executeTakeFirst()
  if (!password && linked.length === 1)
    throw new Problem('last-way-in', `nothing but ${provider.name} opens your account; set a password first`)
  await db.deleteFrom('identities').where('user_id', '=', user).where('provider', '=', provider.key).execute()
  // else the address that it vouched for would link it again
  await db.updateTable('users').set({ email_verified_at: null }).where('id', '=', user).execute()
}
