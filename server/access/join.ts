import type { UserId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import { type Tx, transact } from '../db/transact.ts'
import type { Db } from '../db/connect.ts'
import { claimInvitation, giveOffer, invitationOf } from './invitations.ts'
import { checkStrength, hashPassword } from './passwords.ts'
import { keepPassword } from './sign-in.ts'
import { addUser } from './users.ts'

type Newcomer = { readonly name: string; readonly password: string }

/**
 * Open an invitation and make an account by it. What e-mail address the invitation names goes with the account, but proves
 * nothing: whoever sent it wrote it.
 *
 * @param then  What else belongs to the same transaction.
 * @throws {Problem} `invitation-not-found`, `name-taken`, `weak-password`.
 */
export async function joinAsNew<T>(
  db: Db,
  secret: string,
  { name, password }: Newcomer,
  then: (tx: Tx, user: UserId) => Promise<T>,
): Promise<T> {
  const { email } = await invitationOf(db, secret) // before the work of hashing, which strangers must not order
  checkStrength(password, [name, email?.split('@')[0] ?? '', 'takt'])
  const phc = await hashPassword(password)
  return transact(db, async (tx) => {
    const { id } = await invitationOf(tx.db, secret)
    await claimInvitation(tx.db, id)
    const isFree = email !== null && !(await isUsed(tx, email))
    const user = await addUser(tx.db, {
      name,
      kind: 'person',
      email: isFree ? email : null,
      organization: null,
    })
    await keepPassword(tx.db, user, phc)
    audited({ actor: { id: user, name } })
    await giveOffer(tx, id, user)
    return then(tx, user)
  })
}

async function isUsed(tx: Tx, email: string): Promise<boolean> {
  const row = await tx.db
    .selectFrom('users')
    .select('id')
    .where((eb) => eb(eb.fn('lower', ['email']), '=', email.toLowerCase()))
    .executeTakeFirst()
  return row !== undefined
}

/** Open an invitation with the account that is there. @throws {Problem} `invitation-not-found`. */
export async function joinAs(db: Db, secret: string, user: UserId): Promise<void> {
  await transact(db, async (tx) => {
    const { id } = await invitationOf(tx.db, secret)
    await claimInvitation(tx.db, id)
    await giveOffer(tx, id, user)
  })
}
