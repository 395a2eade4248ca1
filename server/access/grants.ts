import { type RawBuilder, sql } from 'kysely'
import {
  type Access,
  type Ground,
  NOBODY,
  reaches,
  type Role,
  roleIn,
  ROLES,
} from '#pipelines/access/roles.ts'
import type { GateId, OrganizationId, ProjectId, RunId, TeamId, UserId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import type { Identity } from './queries.ts'

/** What somebody may: their own grants and those of their teams, within the bounds of the token they showed. */
export async function accessOf(
  db: Db | Trx,
  who: Pick<Identity, 'id' | 'role' | 'most' | 'only'> | null,
): Promise<Access> {
  if (!who) return NOBODY
  const { most, only } = who
  if (who.role === 'admin') return { ...NOBODY, site: true, most, only }
  const rows = await db
    .selectFrom('grants')
    .select(['organization_id', 'project_id', 'role'])
    .where((eb) =>
      eb.or([
        eb('user_id', '=', who.id),
        eb('team_id', 'in', eb.selectFrom('team_members').select('team_id').where('user_id', '=', who.id)),
      ]),
    )
    .execute()
  const organizations = new Map<OrganizationId, Role>()
  const projects = new Map<ProjectId, Role>()
  for (const { organization_id, project_id, role } of rows) {
    if (project_id === null) raise(organizations, organization_id, role)
    else raise(projects, project_id, role)
  }
  return { site: false, organizations, projects, most, only }
}

function raise<Id>(roles: Map<Id, Role>, id: Id, role: Role): void {
  if (!reaches(roles.get(id) ?? null, role)) roles.set(id, role)
}

/**
 * Beside a row of `projects`: whether somebody has at least this role in it. The same rule as `roleIn`, for lists: a test holds
 * the two against each other.
 */
export function mayIn(access: Access, least: Role): RawBuilder<boolean> {
  const { site, most, only, organizations, projects } = access
  if (most !== null && !reaches(most, least)) return sql<boolean>`false`
  const bound = only === null ? sql<boolean>`true` : sql<boolean>`projects.id = ${only}`
  if (site) return bound
  const inOrganizations = [...organizations].filter(([, role]) => reaches(role, least)).map(([id]) => id)
  const inProjects = [...projects].filter(([, role]) => reaches(role, least)).map(([id]) => id)
  const isPublic = least === ROLES[0] ? sql<boolean>`projects.public` : sql<boolean>`false`
  return sql<boolean>`(${bound} and (projects.organization_id = any(${inOrganizations}::bigint[])
    or projects.id = any(${inProjects}::bigint[]) or ${isPublic}))`
}

/** Whether somebody sees every project there is, so that a list needs no look at each. */
export const seesAll = (access: Access): boolean => access.site && access.only === null

export async function organizationNamed(db: Db | Trx, name: string): Promise<OrganizationId | undefined> {
  const row = await db.selectFrom('organizations').select('id').where('name', '=', name).executeTakeFirst()
  return row?.id
}

/** @throws {Problem} `organization-not-found`. */
export async function organizationCalled(db: Db | Trx, name: string): Promise<OrganizationId> {
  const id = await organizationNamed(db, name)
  if (id === undefined) throw new Problem('organization-not-found', `there is no organization \`${name}\``)
  return id
}

const grounds = (db: Db | Trx) =>
  db
    .selectFrom('projects')
    .select(['projects.id as project', 'projects.organization_id as organization', 'projects.public'])
    .select('projects.name')

type Named = Ground & { readonly name: string }

export const groundOfProject = (db: Db | Trx, name: string): Promise<Named | undefined> =>
  grounds(db).where('projects.name', '=', name).executeTakeFirst()

const groundsOfRuns = (db: Db | Trx) =>
  grounds(db)
    .innerJoin('pipelines', 'pipelines.project_id', 'projects.id')
    .innerJoin('jobs', 'jobs.pipeline_id', 'pipelines.id')
    .innerJoin('runs', 'runs.job_id', 'jobs.id')

/** The project that a run belongs to. */
export const groundOfRun = (db: Db | Trx, run: RunId): Promise<Named | undefined> =>
  groundsOfRuns(db).where('runs.id', '=', run).executeTakeFirst()

/** The project that the run at a gate belongs to. */
export const groundOfGate = (db: Db | Trx, gate: GateId): Promise<Named | undefined> =>
  groundsOfRuns(db)
    .innerJoin('gates', 'gates.run_id', 'runs.id')
    .where('gates.id', '=', gate)
    .executeTakeFirst()

/** The role that somebody has where a run belongs; null also where there is no such run. */
export async function roleInRun(db: Db, access: Access, run: RunId): Promise<Role | null> {
  const ground = await groundOfRun(db, run)
  return ground ? roleIn(access, ground) : null
}

type Holder = { readonly user: UserId } | { readonly team: TeamId }

/** The roles that somebody, or a team, was given, as the audit log tells them; without a project, in an organization. */
export const rolesOf = (db: Trx, holder: Holder) =>
  db
    .selectFrom('grants')
    .innerJoin('organizations', 'organizations.id', 'grants.organization_id')
    .leftJoin('projects', 'projects.id', 'grants.project_id')
    .select(['organizations.name as organization', 'projects.name as project', 'grants.role'])
    .where((eb) => ('user' in holder ? eb('user_id', '=', holder.user) : eb('team_id', '=', holder.team)))
    .orderBy('grants.id')
    .execute()

/** The names of the projects that somebody sees; null for those who see all. */
export async function namesSeen(db: Db, access: Access): Promise<ReadonlySet<string> | null> {
  if (seesAll(access)) return null
  const rows = await db.selectFrom('projects').select('name').where(mayIn(access, 'viewer')).execute()
  return new Set(rows.map(({ name }) => name))
}
