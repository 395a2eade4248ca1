import { sql } from 'kysely'
import type { z } from 'zod'
import { type Access, roleInOrganization } from '#pipelines/access/roles.ts'
import type { OrganizationId, ProjectId, TeamId, UserId } from '#pipelines/ids.ts'
import { mayIn, seesAll } from '../access/grants.ts'
import type { Db, Trx } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import type { Member, Organization, Team } from './shapes.ts'

/** The organizations that somebody has a role in, or sees a project of. */
export async function listOrganizations(db: Db, access: Access): Promise<z.output<typeof Organization>[]> {
  const rows = await db
    .selectFrom('organizations')
    .select((eb) => [
      'organizations.id',
      'organizations.name',
      'organizations.created_at',
      sql<string[]>`array(${eb
        .selectFrom('projects')
        .select('projects.name')
        .whereRef('projects.organization_id', '=', 'organizations.id')
        .where(mayIn(access, 'viewer'))
        .orderBy('projects.name')})`.as('projects'),
    ])
    .orderBy('organizations.name')
    .execute()
  return rows
    .map(({ id, created_at, ...row }) => ({
      ...row,
      role: roleInOrganization(access, id),
      created_at: created_at.toISOString(),
    }))
    .filter(({ role, projects }) => role !== null || projects.length > 0 || seesAll(access))
}

export type Placed = { readonly id: OrganizationId; readonly name: string }

/** @throws {Problem} `organization-not-found`. */
export async function theOrganization(db: Db | Trx, name: string): Promise<Placed> {
  const row = await db
    .selectFrom('organizations')
    .select(['id', 'name'])
    .where('name', '=', name)
    .executeTakeFirst()
  if (!row) throw new Problem('organization-not-found', `there is no organization \`${name}\``)
  return row
}

/** A project and where it belongs. @throws {Problem} `project-not-found`. */
export async function theProjectPlace(db: Db | Trx, name: string) {
  const row = await db
    .selectFrom('projects')
    .innerJoin('organizations', 'organizations.id', 'projects.organization_id')
    .select(['projects.id as project', 'organizations.id', 'organizations.name', 'projects.public'])
    .where('projects.name', '=', name)
    .executeTakeFirst()
  if (!row) throw new Problem('project-not-found', `there is no project \`${name}\``)
  return row
}

/** @throws {Problem} `user-not-found`. */
export async function userNamed(db: Db | Trx, name: string): Promise<UserId> {
  const row = await db.selectFrom('users').select('id').where('name', '=', name).executeTakeFirst()
  if (!row) throw new Problem('user-not-found', `there is nobody called \`${name}\`; invite them first`)
  return row.id
}

/** @throws {Problem} `team-not-found`. */
export async function teamNamed(db: Db | Trx, organization: Placed, name: string): Promise<TeamId> {
  const row = await db
    .selectFrom('teams')
    .select('id')
    .where('organization_id', '=', organization.id)
    .where('name', '=', name)
    .executeTakeFirst()
  if (!row) throw new Problem('team-not-found', `${organization.name} has no team \`${name}\``)
  return row.id
}

/** Who has a role in an organization; with a project, those who have one in it, by either way. */
export async function listMembers(
  db: Db,
  organization: OrganizationId,
  project: ProjectId | null,
): Promise<z.output<typeof Member>[]> {
  let found = db
    .selectFrom('grants')
    .leftJoin('users', 'users.id', 'grants.user_id')
    .leftJoin('teams', 'teams.id', 'grants.team_id')
    .leftJoin('projects', 'projects.id', 'grants.project_id')
    .where('grants.organization_id', '=', organization)
  if (project !== null)
    found = found.where((eb) => eb.or([eb('project_id', 'is', null), eb('project_id', '=', project)]))
  const rows = await found
    .select(['users.kind', 'users.name as user', 'teams.name as team', 'projects.name as project'])
    .select(['grants.role', 'grants.created_at'])
    .orderBy(sql`projects.name nulls first`)
    .orderBy(sql`coalesce(users.name, teams.name)`)
    .execute()
  return rows.map(({ kind, user, team, project: of, role, created_at }) => ({
    ...{ kind: kind ?? ('team' as const), name: user ?? team ?? '', role, project: of },
    since: created_at.toISOString(),
  }))
}

export async function listTeams(db: Db, organization: OrganizationId): Promise<z.output<typeof Team>[]> {
  return db
    .selectFrom('teams')
    .select((eb) => [
      'teams.name',
      sql<string[]>`array(${eb
        .selectFrom('team_members')
        .innerJoin('users', 'users.id', 'team_members.user_id')
        .select('users.name')
        .whereRef('team_members.team_id', '=', 'teams.id')
        .orderBy('users.name')})`.as('members'),
    ])
    .where('organization_id', '=', organization)
    .orderBy('teams.name')
    .execute()
}
