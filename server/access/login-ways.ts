import { randomBytes, timingSafeEqual } from 'node:crypto'
import { sql } from 'kysely'
import type { InvitationId, UserId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'
import { inMs } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { hashSecret } from './derive.ts'
import { newSecret } from './key-files.ts'

export const WAY_MS = 10 * 60_000

/** Where somebody goes who is on their way to a provider: why, and where to afterwards. */
export type Errand = {
  readonly provider: string
  /** An address of ours, relative. */
  readonly target: string
  /** Who links another login to their account; null: who signs in. */
  readonly user: UserId | null
  readonly invitation: InvitationId | null
}

/** The browser keeps the secret; the provider gets to see only what it was hashed to. */
const stateOf = (secret: string) => hashSecret(secret).toString('base64url')

/** Note that somebody sets out. */
export async function setOut(db: Trx, { provider, target, user, invitation }: Errand) {
  const secret = newSecret()
  const way = {
    nonce: randomBytes(24).toString('base64url'),
    verifier: randomBytes(48).toString('base64url'),
  }
  await db
    .deleteFrom('login_ways')
    .where('expires_at', '<', sql<Date>`now()`)
    .execute()
  await db
    .insertInto('login_ways')
    .values({
      ...{ hash: hashSecret(secret), provider, target, ...way },
      ...{ user_id: user, invitation_id: invitation, expires_at: inMs(WAY_MS) },
    })
    .execute()
  return { secret, state: stateOf(secret), ...way }
}

/**
 * Take in somebody who comes back, once: with the secret in their browser, and the state that the provider carried.
 *
 * @throws {Problem} `login-way-lost`.
 */
export async function comeBack(
  db: Trx,
  provider: string,
  { secret, state }: { readonly secret: string | null; readonly state: string | null },
) {
  const lost = () =>
    new Problem(
      'login-way-lost',
      'it took too long, or began in another browser; sign in again from the start',
    )
  if (secret === null || state === null || !isSame(stateOf(secret), state)) throw lost()
  const row = await db
    .deleteFrom('login_ways')
    .where('hash', '=', hashSecret(secret))
    .where('provider', '=', provider)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning(['nonce', 'verifier', 'target', 'user_id', 'invitation_id'])
    .executeTakeFirst()
  if (!row) throw lost()
  return { ...row, state }
}

const isSame = (a: string, b: string) => timingSafeEqual(hashSecret(a), hashSecret(b))
