import { sql } from 'kysely'
import { reaches, type Role, roleInOrganization } from '#pipelines/access/roles.ts'
import type { InvitationId, OrganizationId, TeamId, UserId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import { inMs, type Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { hashSecret } from './derive.ts'
import { accessOf } from './grants.ts'
import { newSecret } from './key-files.ts'

const DAY_MS = 86_400_000
const MOST_PENDING = 200

/** What whoever opens an invitation gets: a role in all of an organization, a place in a team of it, or both. */
export type Offer = {
  readonly organization: OrganizationId
  readonly role: Role | null
  readonly team: string | null
  readonly email: string | null
  readonly days: number
}

/** @throws {Problem} `team-not-found`, `too-many-invitations`. */
export async function addInvitation(
  db: Trx,
  { organization, role, team, email, days }: Offer,
  by: UserId,
): Promise<{ id: InvitationId; secret: string }> {
  const secret = newSecret()
  const team_id = team === null ? null : await teamCalled(db, organization, team)
  const { count } = await pending(db)
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('invitations.organization_id', '=', organization)
    .executeTakeFirstOrThrow()
  if (Number(count) >= MOST_PENDING)
    throw new Problem('too-many-invitations', `${MOST_PENDING} are open already; withdraw some first`)
  const { id } = await db
    .insertInto('invitations')
    .values({
      ...{ hash: hashSecret(secret), organization_id: organization, role, team_id, email, invited_by: by },
      ...{ expires_at: inMs(days * DAY_MS), used_at: null, used_by: null },
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return { id, secret }
}

async function teamCalled(db: Trx, organization: OrganizationId, name: string): Promise<TeamId> {
  const row = await db
    .selectFrom('teams')
    .select('id')
    .where('organization_id', '=', organization)
    .where('name', '=', name)
    .executeTakeFirst()
  if (!row) throw new Problem('team-not-found', `the organization has no team \`${name}\``)
  return row.id
}

/** Neither opened nor too old, and whoever invited has not been shut out since. */
const pending = (db: Db | Trx) =>
  db
    .selectFrom('invitations')
    .innerJoin('users as inviter', 'inviter.id', 'invitations.invited_by')
    .where('invitations.used_at', 'is', null)
    .where('invitations.expires_at', '>', sql<Date>`now()`)
    .where('inviter.disabled_at', 'is', null)

const described = (db: Db | Trx) =>
  pending(db)
    .innerJoin('organizations', 'organizations.id', 'invitations.organization_id')
    .leftJoin('teams', 'teams.id', 'invitations.team_id')
    .select(['invitations.id', 'invitations.role', 'invitations.email', 'teams.name as team'])
    .select(['organizations.name as organization', 'inviter.name as invited_by'])
    .select(['invitations.created_at', 'invitations.expires_at'])

export type InvitationRow = Awaited<ReturnType<typeof listInvitations>>[number]

export const listInvitations = (db: Db | Trx, organization: OrganizationId) =>
  described(db)
    .where('invitations.organization_id', '=', organization)
    .orderBy('invitations.id', 'desc')
    .execute()

export const NO_INVITATION = 'it was opened or withdrawn, or is too old; ask whoever sent it for another'

/** @throws {Problem} `invitation-not-found`. */
export async function invitationOf(db: Db | Trx, secret: string): Promise<InvitationRow> {
  const row = await described(db).where('invitations.hash', '=', hashSecret(secret)).executeTakeFirst()
  if (!row) throw new Problem('invitation-not-found', NO_INVITATION)
  return row
}

/** @throws {Problem} `invitation-not-found`. */
export async function withdraw(db: Trx, organization: OrganizationId, id: InvitationId): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom('invitations')
    .where('organization_id', '=', organization)
    .where('id', '=', id)
    .where('used_at', 'is', null)
    .executeTakeFirst()
  if (numDeletedRows === 0n) throw new Problem('invitation-not-found', `invitation ${id}: ${NO_INVITATION}`)
}

/**
 * Use an invitation up: of several that open it at once, one does. What whoever invited may not give any more, nobody gets.
 *
 * @throws {Problem} `invitation-not-found`.
 */
export async function claimInvitation(db: Trx, id: InvitationId): Promise<void> {
  const row = await pending(db)
    .select(['invitations.organization_id', 'inviter.id', 'inviter.role'])
    .where('invitations.id', '=', id)
    .forUpdate('invitations')
    .executeTakeFirst()
  const inviter = row && (await accessOf(db, { id: row.id, role: row.role, most: null, only: null }))
  if (!inviter || !reaches(roleInOrganization(inviter, row.organization_id), 'admin'))
    throw new Problem('invitation-not-found', NO_INVITATION)
  await db
    .updateTable('invitations')
    .set({ used_at: sql<Date>`now()` })
    .where('id', '=', id)
    .execute()
}

/** Give somebody what an invitation offers. A role that is held already never gets smaller. */
export async function giveOffer(tx: Tx, id: InvitationId, user: UserId): Promise<void> {
  const { organization_id, role, team_id } = await tx.db
    .updateTable('invitations')
    .set({ used_by: user })
    .where('id', '=', id)
    .returning(['organization_id', 'role', 'team_id'])
    .executeTakeFirstOrThrow()
  audited({ organization: organization_id, after: { role, team: team_id } })
  if (team_id !== null)
    await tx.db
      .insertInto('team_members')
      .values({ team_id, user_id: user })
      .onConflict((oc) => oc.doNothing())
      .execute()
  if (role !== null) await raiseRole(tx.db, { organization_id, user_id: user, role })
  tx.emit({ kind: 'access.changed' })
}

type Grant = { readonly organization_id: OrganizationId; readonly user_id: UserId; readonly role: Role }

async function raiseRole(db: Trx, { organization_id, user_id, role }: Grant): Promise<void> {
  const held = await db
    .selectFrom('grants')
    .select(['id', 'role'])
    .where('organization_id', '=', organization_id)
    .where('user_id', '=', user_id)
    .where('project_id', 'is', null)
    .forUpdate()
    .executeTakeFirst()
  if (!held)
    await db
      .insertInto('grants')
      .values({ organization_id, project_id: null, user_id, team_id: null, role })
      .execute()
  else if (!reaches(held.role, role))
    await db.updateTable('grants').set({ role }).where('id', '=', held.id).execute()
}
