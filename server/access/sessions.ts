import { sql } from 'kysely'
import type { Access } from '#pipelines/access/roles.ts'
import type { SessionId, UserId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import { inMs } from '../db/transact.ts'
import { hashSecret } from './derive.ts'
import { newSecret } from './key-files.ts'
import type { Identity } from './queries.ts'

/** A session ends this long after it began, whatever happens in it, and this long after it was last used. */
const MOST_MS = 30 * 24 * 3_600_000
const IDLE_MS = 7 * 24 * 3_600_000
/** For how long requests that were under way may still show the secret from before. */
const GRACE_MS = 60_000
/** Its last use is noted at most this often, so that reading stays reading. */
const SEEN_MS = 60_000

export type Secret = { readonly secret: string; readonly maxAgeS: number }
/** Where a session began and by what: `password`, `link`, `token` or the name of a provider. */
export type Beginning = { readonly client: string | null; readonly address: string; readonly how: string }

export async function newSession(db: Db | Trx, user: UserId, from: Beginning): Promise<Secret> {
  const secret = newSecret()
  await db
    .deleteFrom('sessions')
    .where('user_id', '=', user)
    .where(sql<boolean>`not (${isAlive()})`)
    .execute()
  await db
    .insertInto('sessions')
    .values({
      hash: hashSecret(secret),
      user_id: user,
      expires_at: inMs(MOST_MS),
      client: from.client?.slice(0, 300) ?? null,
      address: from.address,
      how: from.how,
    })
    .execute()
  return { secret, maxAgeS: MOST_MS / 1_000 }
}

export async function endSession(db: Db | Trx, secret: string): Promise<void> {
  const hash = hashSecret(secret)
  await db
    .deleteFrom('sessions')
    .where((eb) => eb.or([eb('hash', '=', hash), eb('previous_hash', '=', hash)]))
    .execute()
}

/** Whether it still opens anything: neither too old nor left alone for too long. */
const isAlive = () => sql<boolean>`sessions.expires_at > now() and sessions.seen_at > ${inMs(-IDLE_MS)}`

/**
 * Whose session it is.
 *
 * @param held  A connection has shown the secret when it was opened, and goes on after the session has got another one.
 */
export async function userOfSession(
  db: Db,
  secret: string,
  { held }: { held: boolean },
): Promise<Identity | null> {
  const hash = hashSecret(secret)
  const row = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(['users.id', 'users.name', 'users.role', 'sessions.id as session', 'sessions.seen_at'])
    .where((eb) => {
      const before = eb('sessions.previous_hash', '=', hash)
      const isFresh = eb('sessions.rotated_at', '>', inMs(-GRACE_MS))
      return eb.or([eb('sessions.hash', '=', hash), held ? before : eb.and([before, isFresh])])
    })
    .where(isAlive())
    .where('users.disabled_at', 'is', null)
    .executeTakeFirst()
  if (!row) return null
  const { id, name, role, session } = row
  if (Date.now() - row.seen_at.getTime() > SEEN_MS)
    await db
      .updateTable('sessions')
      .set({ seen_at: sql<Date>`now()` })
      .where('id', '=', session)
      .execute()
  return { id, name, role, most: null, only: null, via: { by: 'session', id: session } }
}

/** What somebody may, as text: another text, other rights. */
export const rightsOf = ({ site, organizations, projects }: Access): string =>
  hashSecret(
    JSON.stringify([site, [...organizations].toSorted(byId), [...projects].toSorted(byId)]),
  ).toString('hex')

const byId = ([a]: readonly [number, unknown], [b]: readonly [number, unknown]) => a - b

/**
 * Give a session a new secret if its owner may something else than when it was last used: what somebody got hold of before opens
 * nothing more after.
 *
 * @returns The new secret; null where nothing has changed, and where another request was first.
 */
export async function renewIfChanged(db: Db, secret: string, rights: string): Promise<Secret | null> {
  const { rows } = await sql<{ known: boolean }>`
    select rights is not null as known from sessions
    where hash = ${hashSecret(secret)} and rights is distinct from ${rights}`.execute(db)
  if (rows[0] === undefined) return null
  if (rows[0].known) return renew(db, secret, rights)
  await db.updateTable('sessions').set({ rights }).where('hash', '=', hashSecret(secret)).execute()
  return null
}

/**
 * Give a session a new secret, because of other rights or, with null, at once and for all: the one before opens nothing more.
 *
 * @returns Null where the one shown is not its newest.
 */
export async function renew(db: Db | Trx, secret: string, rights: string | null): Promise<Secret | null> {
  const fresh = newSecret()
  const row = await db
    .updateTable('sessions')
    .set({
      hash: hashSecret(fresh),
      previous_hash: rights === null ? null : hashSecret(secret),
      rotated_at: sql<Date>`now()`,
      ...(rights === null ? {} : { rights }),
    })
    .where('hash', '=', hashSecret(secret))
    .returning(sql<number>`greatest(1, ceil(extract(epoch from expires_at - now())))::int`.as('rest_s'))
    .executeTakeFirst()
  return row ? { secret: fresh, maxAgeS: row.rest_s } : null
}

export type SessionRow = Awaited<ReturnType<typeof sessionsOf>>[number]

export const sessionsOf = (db: Db, user: UserId) =>
  db
    .selectFrom('sessions')
    .select(['id', 'created_at', 'seen_at', 'expires_at', 'client', 'address', 'how'])
    .where('user_id', '=', user)
    .where(isAlive())
    .orderBy('seen_at', 'desc')
    .orderBy('id', 'desc')
    .limit(200)
    .execute()

/** End one session of somebody. @returns Whether there was one. */
export async function endOne(db: Trx, user: UserId, session: SessionId): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('sessions')
    .where('user_id', '=', user)
    .where('id', '=', session)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** End all sessions of somebody but `kept`. @returns How many there were. */
export async function endOthers(db: Trx, user: UserId, kept: SessionId | null): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('sessions')
    .where('user_id', '=', user)
    .where('id', 'is distinct from', kept)
    .executeTakeFirst()
  return Number(numDeletedRows)
}
