import type { Role } from '#pipelines/access/roles.ts'
import type { Invitation, Member, Organization, Team } from '../../ui/lib/organizations-api.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const AT = '2026-03-01T12:00:00.000Z'
export type FakeOrganization = {
  name: string
  role: Role | null
  members: Member[]
  teams: Team[]
  invitations: Invitation[]
}

const memberOf = (given: Partial<Member>): Member => ({
  ...{ kind: 'person', name: 'ada', role: 'admin', project: null, since: AT },
  ...given,
})

const worlds = new WeakMap<FakeWorld, FakeOrganization[]>()
/** The organizations of a world: one in full swing, and one that nobody is in. */
export function organizationsIn(world: FakeWorld): FakeOrganization[] {
  const known = worlds.get(world)
  if (known) return known
  const members = [
    memberOf({}),
    memberOf({ kind: 'service', name: 'deploy-bot', role: 'operator' }),
    memberOf({ kind: 'team', name: 'ship', role: 'maintainer' }),
    memberOf({ name: 'eve', role: 'viewer', project: 'shop' }),
  ]
  const teams = [{ name: 'ship', members: ['grace', 'linus-with-quite-a-long-name'] }]
  const fresh: FakeOrganization[] = [
    { name: 'default', role: 'admin', members, teams, invitations: [] },
    { name: 'research', role: 'admin', members: [], teams: [], invitations: [] },
  ]
  worlds.set(world, fresh)
  return fresh
}

const PEOPLE = ['ada', 'eve', 'grace', 'deploy-bot', 'linus-with-quite-a-long-name']
const unknown = (name: string) =>
  no(
    404,
    'user-not-found',
    'There is nobody of this name',
    `there is nobody called \`${name}\`; invite them first`,
  )

const shown = (world: FakeWorld, { name, role }: FakeOrganization): Organization => ({
  ...{ name, role, created_at: AT },
  projects: world.projects.filter(({ organization }) => organization === name).map((project) => project.name),
})

function inOrganization(world: FakeWorld, name: string, does: (found: FakeOrganization) => Reply): Reply {
  const found = organizationsIn(world).find((one) => one.name === name)
  return found ? does(found) : no(404, 'organization-not-found', 'There is no such organization')
}

/** Where a role is given: `organizations/default` or `projects/shop`. */
function placeOf(world: FakeWorld, of: string, name: string) {
  const project = of === 'projects' ? name : null
  const organization =
    project === null ? name : (world.projects.find((one) => one.name === name)?.organization ?? '')
  return { project, organization }
}

const isAt = (member: Member, wanted: { isTeam: boolean; name: string; project: string | null }) =>
  (member.kind === 'team') === wanted.isTeam &&
  member.name === wanted.name &&
  member.project === wanted.project

function setRole({ world, body }: Asked, ...[of = '', at = '', holders = '', name = '']: string[]): Reply {
  const { project, organization } = placeOf(world, of, at)
  const isTeam = holders === 'teams'
  return inOrganization(world, organization, (found) => {
    if (!isTeam && !PEOPLE.includes(name)) return unknown(name)
    const role = body['role'] as Role | undefined
    const held = found.members.find((member) => isAt(member, { isTeam, name, project }))
    const rest = found.members.filter((member) => member !== held)
    const kind = isTeam ? ('team' as const) : (held?.kind ?? ('person' as const))
    found.members =
      role === undefined
        ? rest
        : held
          ? found.members.map((member) => (member === held ? { ...held, role } : member))
          : [...rest, memberOf({ kind, name, role, project })]
    return ok({ items: found.members, next: null })
  })
}

const setTeams = (change: (teams: Team[], team: string, name: string) => Team[] | null) =>
  function changed({ world }: Asked, ...[organization = '', team = '', name = '']: string[]): Reply {
    return inOrganization(world, organization, (found) => {
      const teams = change(found.teams, team, name)
      if (teams === null) return unknown(name)
      found.teams = teams
      return ok({ items: teams, next: null })
    })
  }
const withMembers = (teams: Team[], name: string, change: (members: string[]) => string[]) =>
  teams.map((team) => (team.name === name ? { ...team, members: change(team.members) } : team))

function settle({ world, body }: Asked, name = ''): Reply {
  const project = world.projects.find((one) => one.name === name)
  if (!project) return no(404, 'project-not-found', 'There is no such project')
  Object.assign(project, body)
  return ok({ public: project.public, organization: project.organization })
}

function add({ world, body }: Asked): Reply {
  const name = String(body['name'])
  if (organizationsIn(world).some((one) => one.name === name))
    return no(
      409,
      'organization-exists',
      'An organization of this name exists already',
      `\`${name}\` is taken`,
    )
  const fresh: FakeOrganization = { name, role: 'admin', members: [], teams: [], invitations: [] }
  organizationsIn(world).push(fresh)
  return { status: 201, body: shown(world, fresh) }
}

function invite({ world, body }: Asked, name = ''): Reply {
  return inOrganization(world, name, (found) => {
    const invitation: Invitation = {
      ...{ id: found.invitations.length + 1, organization: name, invited_by: 'ada' },
      ...{ role: body['role'] as Role, team: (body['team'] as string | undefined) ?? null },
      ...{ email: (body['email'] as string | undefined) ?? null, created_at: AT, expires_at: AT },
    }
    found.invitations = [invitation, ...found.invitations]
    return { status: 201, body: { ...invitation, url: 'http://takt.example/join#once' } }
  })
}

function withdraw({ world }: Asked, name = '', id = ''): Reply {
  return inOrganization(world, name, (found) => {
    found.invitations = found.invitations.filter((one) => one.id !== Number(id))
    return { status: 204, body: null }
  })
}

const INVITATIONS = /^\/organizations\/([^/]+)\/invitations$/
const TEAM = /^\/organizations\/([^/]+)\/teams\/([^/]+)$/
const IN_TEAM = /^\/organizations\/([^/]+)\/teams\/([^/]+)\/people\/([^/]+)$/
const ROLE = /^\/(organizations|projects)\/([^/]+)\/members\/(people|teams)\/([^/]+)$/

export const ORGANIZATIONS: readonly Route[] = [
  [
    'GET',
    /^\/organizations$/,
    ({ world }) => ok({ items: organizationsIn(world).map((one) => shown(world, one)), next: null }),
  ],
  ['POST', /^\/organizations$/, add],
  [
    'GET',
    /^\/organizations\/([^/]+)$/,
    ({ world }, name = '') => inOrganization(world, name, (found) => ok(shown(world, found))),
  ],
  [
    'GET',
    /^\/organizations\/([^/]+)\/members$/,
    ({ world }, name = '') =>
      inOrganization(world, name, ({ members }) => ok({ items: members, next: null })),
  ],
  [
    'GET',
    /^\/organizations\/([^/]+)\/teams$/,
    ({ world }, name = '') => inOrganization(world, name, ({ teams }) => ok({ items: teams, next: null })),
  ],
  [
    'GET',
    /^\/projects\/([^/]+)\/members$/,
    ({ world }, name = '') =>
      inOrganization(world, placeOf(world, 'projects', name).organization, ({ members }) =>
        ok({ items: members.filter(({ project }) => project === null || project === name), next: null }),
      ),
  ],
  [
    'GET',
    INVITATIONS,
    ({ world }, name = '') =>
      inOrganization(world, name, ({ invitations }) => ok({ items: invitations, next: null })),
  ],
  ['POST', INVITATIONS, invite],
  ['DELETE', /^\/organizations\/([^/]+)\/invitations\/(\d+)$/, withdraw],
  ['PUT', ROLE, setRole],
  ['DELETE', ROLE, setRole],
  ['PUT', TEAM, setTeams((teams, name) => [...teams, { name, members: [] }])],
  ['DELETE', TEAM, setTeams((teams, name) => teams.filter((team) => team.name !== name))],
  [
    'PUT',
    IN_TEAM,
    setTeams((teams, team, name) =>
      PEOPLE.includes(name) ? withMembers(teams, team, (members) => [...members, name].toSorted()) : null,
    ),
  ],
  [
    'DELETE',
    IN_TEAM,
    setTeams((teams, team, name) =>
      withMembers(teams, team, (members) => members.filter((member) => member !== name)),
    ),
  ],
  ['PATCH', /^\/projects\/([^/]+)\/settings$/, settle],
]
