import type { Role } from '#pipelines/access/roles.ts'
import type { OrganizationId, UserId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import { rolesOf } from './grants.ts'
import { addUser } from './users.ts'

/** A program's account, which belongs to an organization and is let in by API tokens alone. */
export type ServiceAccountRow = Awaited<ReturnType<typeof listServiceAccounts>>[number]

const accounts = (db: Db | Trx, organization: OrganizationId) =>
  db.selectFrom('users').where('users.kind', '=', 'service').where('users.organization_id', '=', organization)

export const listServiceAccounts = (db: Db | Trx, organization: OrganizationId) =>
  accounts(db, organization)
    .leftJoin('grants', (on) =>
      on
        .onRef('grants.user_id', '=', 'users.id')
        .on('grants.organization_id', '=', organization)
        .on('grants.project_id', 'is', null),
    )
    .select(['users.name', 'users.created_at', 'users.disabled_at', 'grants.role'])
    .select((eb) =>
      eb
        .selectFrom('tokens')
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .whereRef('tokens.user_id', '=', 'users.id')
        .as('tokens'),
    )
    .orderBy('users.name')
    .limit(1_000)
    .execute()

/** @throws {Problem} `user-not-found`, also where the account is another organization’s, or a person’s. */
export async function theServiceAccount(
  db: Db | Trx,
  organization: OrganizationId,
  name: string,
): Promise<UserId> {
  const row = await accounts(db, organization)
    .select('users.id')
    .where('users.name', '=', name)
    .where('users.disabled_at', 'is', null)
    .executeTakeFirst()
  if (!row)
    throw new Problem('user-not-found', `there is no service account \`${name}\` that is in use there`)
  return row.id
}

/** Make a program’s account with a role in its organization; null: it gets roles in single projects later. */
export async function addServiceAccount(
  db: Trx,
  { organization, name, role }: { organization: OrganizationId; name: string; role: Role | null },
): Promise<void> {
  audited({ after: { role } })
  const user = await addUser(db, { name, kind: 'service', email: null, organization })
  if (role === null) return
  await db
    .insertInto('grants')
    .values({ organization_id: organization, project_id: null, user_id: user, team_id: null, role })
    .execute()
}

/** Take everything from a program’s account. It stays as a name, because what it did stays, too. */
export async function retireServiceAccount(db: Trx, user: UserId): Promise<void> {
  const tokens = await db.deleteFrom('tokens').where('user_id', '=', user).returning('name').execute()
  audited({
    before: { disabled: false, tokens: tokens.map(({ name }) => name), roles: await rolesOf(db, { user }) },
    after: { disabled: true, tokens: [], roles: [] },
  })
  await db.deleteFrom('grants').where('user_id', '=', user).execute()
  await db.deleteFrom('team_members').where('user_id', '=', user).execute()
  await db.updateTable('users').set({ disabled_at: new Date() }).where('id', '=', user).execute()
}
