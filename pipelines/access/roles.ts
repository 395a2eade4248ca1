import type { OrganizationId, ProjectId } from '../ids.ts'

/** What people may be in an organization or a project; each one may all that those before it may. */
export const ROLES = ['viewer', 'operator', 'approver', 'maintainer', 'admin'] as const
export type Role = (typeof ROLES)[number]

export const isRole = (text: string): text is Role => (ROLES as readonly string[]).includes(text)

/** What a role is for, in the words that people choose by. */
export const ROLE_WORDS: Readonly<Record<Role, string>> = {
  viewer: 'sees projects, runs and logs',
  operator: 'starts, cancels and repeats runs',
  approver: 'decides at gates',
  maintainer: 'pushes to hosted repositories, keeps secrets, pins versions, pauses jobs, opens terminals',
  admin: 'says who may do what',
}

/** Whether who has `role` may what is for `least`. */
export const reaches = (role: Role | null, least: Role): boolean =>
  role !== null && ROLES.indexOf(role) >= ROLES.indexOf(least)

const lesser = (a: Role, b: Role): Role => (reaches(a, b) ? b : a)

/** What somebody may, as it was read for one request. */
export type Access = {
  /** An admin of the server, who may everything everywhere. */
  readonly site: boolean
  readonly organizations: ReadonlyMap<OrganizationId, Role>
  /** Roles in single projects, on top of those in their organizations. */
  readonly projects: ReadonlyMap<ProjectId, Role>
  /** A token’s own bounds: at most this role, in this project alone; null where it has none. */
  readonly most: Role | null
  readonly only: ProjectId | null
}

/** What nobody in particular may: look at what is public. */
export const NOBODY: Access = {
  site: false,
  organizations: new Map(),
  projects: new Map(),
  most: null,
  only: null,
}

/** A project, as far as its rights go. */
export type Ground = {
  readonly project: ProjectId
  readonly organization: OrganizationId
  readonly public: boolean
}

/** The role that somebody has in a project: the highest that anything gives, cut by the bounds of the token. */
export function roleIn(access: Access, ground: Ground): Role | null {
  if (access.only !== null && access.only !== ground.project) return null
  const given = [
    access.site ? ('admin' as const) : null,
    access.organizations.get(ground.organization) ?? null,
    access.projects.get(ground.project) ?? null,
    ground.public ? ('viewer' as const) : null,
  ]
  const highest = ROLES.findLast((role) => given.includes(role)) ?? null
  return highest !== null && access.most !== null ? lesser(highest, access.most) : highest
}

/** The role that somebody has in an organization itself. A token for one project has none. */
export function roleInOrganization(access: Access, organization: OrganizationId): Role | null {
  if (access.only !== null) return null
  const given = access.site ? 'admin' : (access.organizations.get(organization) ?? null)
  return given !== null && access.most !== null ? lesser(given, access.most) : given
}

/** Whether somebody may what only admins of the server may. */
export const isSiteAdmin = ({ site, most, only }: Access): boolean =>
  site && only === null && (most === null || most === 'admin')
