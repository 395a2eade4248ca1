import { sql } from 'kysely'
import { type Access, roleIn, type Role } from '#pipelines/access/roles.ts'
import type { ProjectId, TokenId, UserId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import type { Via } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { hashSecret } from './derive.ts'
import { groundOfProject } from './grants.ts'
import { newSecret } from './key-files.ts'
import { prefixOf } from './queries.ts'
import { shownToken } from './token-shapes.ts'

const MOST_TOKENS = 100

/** The bounds of a token: at most this role, in this project alone, until then; null where it has none. */
export type Bounds = {
  readonly role: Role | null
  readonly project: ProjectId | null
  readonly until: Date | null
}
export type NewToken = { readonly user: UserId; readonly name: string; readonly bounds: Bounds }

/**
 * Make an API token. Its secret is told here and never again.
 *
 * @throws {Problem} `token-exists`, `too-many-tokens`.
 */
export async function addToken(
  db: Trx,
  { user, name, bounds }: NewToken,
): Promise<{ id: TokenId; secret: string }> {
  const secret = newSecret('takt_')
  const { count } = await db
    .selectFrom('tokens')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('user_id', '=', user)
    .executeTakeFirstOrThrow()
  if (Number(count) >= MOST_TOKENS)
    throw new Problem(
      'too-many-tokens',
      `there are ${MOST_TOKENS} already; end some that nobody uses any more`,
    )
  const row = await db
    .insertInto('tokens')
    .values({
      ...{ user_id: user, name, hash: hashSecret(secret), prefix: prefixOf(secret) },
      ...{ role: bounds.role, project_id: bounds.project, expires_at: bounds.until, last_used_at: null },
    })
    .onConflict((oc) => oc.columns(['user_id', 'name']).doNothing())
    .returning('id')
    .executeTakeFirst()
  if (!row) throw new Problem('token-exists', `end the token \`${name}\` first, or choose another name`)
  return { id: row.id, secret }
}

export type TokenRow = Awaited<ReturnType<typeof tokensOf>>[number]

export const tokensOf = (db: Db | Trx, user: UserId) =>
  db
    .selectFrom('tokens')
    .leftJoin('projects', 'projects.id', 'tokens.project_id')
    .select(['tokens.id', 'tokens.name', 'tokens.prefix', 'tokens.role', 'projects.name as project'])
    .select(['tokens.created_at', 'tokens.expires_at', 'tokens.last_used_at'])
    .where('tokens.user_id', '=', user)
    .orderBy('tokens.created_at', 'desc')
    .orderBy('tokens.id', 'desc')
    .execute()

/** End a token of somebody. @throws {Problem} `token-not-found`, also where it is somebody else’s. */
export async function endToken(db: Trx, user: UserId, id: TokenId): Promise<void> {
  const known = (await tokensOf(db, user)).find((each) => each.id === id)
  if (known) audited({ before: shownToken(known) })
  const { numDeletedRows } = await db
    .deleteFrom('tokens')
    .where('user_id', '=', user)
    .where('id', '=', id)
    .executeTakeFirst()
  if (numDeletedRows === 0n)
    throw new Problem('token-not-found', `there is no token ${id}; it may have ended`)
}

export type Wish = {
  readonly role?: Role | undefined
  readonly project?: string | undefined
  readonly expires_at?: string | undefined
}

/**
 * The bounds that a new token gets: those that were wished for, within the bounds of whoever asks.
 *
 * @throws {Problem} `session-needed`, where a token with bounds asks; `project-not-found`; `bad-expiry`.
 */
export async function boundsOf(
  db: Trx,
  wish: Wish,
  { access, via }: { readonly access: Access; readonly via: Via },
): Promise<Bounds> {
  refuseBound(access)
  const until = wish.expires_at === undefined ? null : new Date(wish.expires_at)
  if (until !== null && until.getTime() <= Date.now())
    throw new Problem('bad-expiry', `${wish.expires_at} is over; name a time to come, or none`)
  const least = via.by === 'token' && via.expires_at !== null ? via.expires_at : null
  const project = wish.project === undefined ? null : await projectSeen(db, access, wish.project)
  return { role: wish.role ?? null, project, until: earlier(until, least) }
}

/** @throws {Problem} `session-needed`: what a token with bounds makes would outgrow them. */
export function refuseBound({ most, only }: Pick<Access, 'most' | 'only'>): void {
  if (most !== null || only !== null)
    throw new Problem(
      'session-needed',
      'a token with bounds opens no further ways in; sign in, or use one without',
    )
}

/**
 * Whether who asks may open a way in that lasts: a session, a link, an invitation.
 *
 * @throws {Problem} `session-needed`, where a token with bounds or an end asks; `not-for-services`, where a program does.
 */
export function refuseOutgrowing(access: Pick<Access, 'most' | 'only'>, via: Via): void {
  refuseBound(access)
  if (via.by !== 'token') return
  if (via.kind === 'service')
    throw new Problem('not-for-services', 'a program signs in nowhere, and lets nobody in; use its API token')
  if (via.expires_at !== null)
    throw new Problem(
      'session-needed',
      `this token ends, and what it would open does not; sign in, or use one without an end`,
    )
}

const earlier = (a: Date | null, b: Date | null) =>
  a === null ? b : b === null ? a : new Date(Math.min(a.getTime(), b.getTime()))

async function projectSeen(db: Trx, access: Access, name: string): Promise<ProjectId> {
  const ground = await groundOfProject(db, name)
  if (!ground || roleIn(access, ground) === null)
    throw new Problem('project-not-found', `there is no project \`${name}\``)
  return ground.project
}

/** End what a person or program was let in by. */
export async function endWaysIn(db: Trx, user: UserId): Promise<void> {
  await db.deleteFrom('sessions').where('user_id', '=', user).execute()
  await db.deleteFrom('login_links').where('user_id', '=', user).execute()
  await db.deleteFrom('login_ways').where('user_id', '=', user).execute()
  await db
    .deleteFrom('invitations')
    .where('invited_by', '=', user)
    .where('used_at', 'is', null)
    .where(sql<boolean>`expires_at > now()`)
    .execute()
}
