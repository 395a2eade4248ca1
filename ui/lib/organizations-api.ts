import type { InferResponseType } from 'hono/client'
import type { Role } from '#pipelines/access/roles.ts'
import { done } from './account-api.ts'
import { answer, type Answer, body, part, type Project, v1 } from './api.ts'

const one = v1.organizations[':organization']
const ofAll = one.members
const ofProject = v1.projects[':project'].members
const invited = one.invitations
const oneTeam = one.teams[':team']

export type Organizations = InferResponseType<typeof v1.organizations.$get, 200>
export type Organization = Organizations['items'][number]
export type Member = InferResponseType<typeof ofAll.$get, 200>['items'][number]
export type Team = InferResponseType<typeof one.teams.$get, 200>['items'][number]

export type Invitation = InferResponseType<typeof invited.$get, 200>['items'][number]
export type FreshInvitation = InferResponseType<typeof invited.$post, 201>
export type InvitationOffer = { readonly role: Role; readonly team?: string; readonly email?: string }

/** An organization as far as the asker sees it. */
export type Inside = {
  readonly organization: Organization
  readonly members: readonly Member[]
  readonly teams: readonly Team[]
  readonly projects: readonly Project[]
}
/** Who holds a role and where: in all of the organization, or in one project of it. */
export type Holder = Pick<Member, 'kind' | 'name' | 'project'>

const at = (organization: string) => ({ param: { organization: part(organization) } })
const NOTHING = { items: [] }

/** All that is shown of an organization; as old as the oldest of its answers. */
async function inside(name: string, signal: AbortSignal): Promise<Answer<Inside>> {
  const init = { init: { signal } }
  const found = await answer(one.$get(at(name), init))
  const isMember = found.body.role !== null
  const projects = await answer(v1.projects.$get({}, init))
  const own = projects.body.items.filter(({ organization }) => organization === name)
  const [members, teams] = await Promise.all([
    isMember ? body(ofAll.$get(at(name), init)) : membersOf(own, signal),
    isMember ? body(one.teams.$get(at(name), init)) : NOTHING,
  ])
  return {
    cursor: found.cursor,
    body: { organization: found.body, members: members.items, teams: teams.items, projects: own },
  }
}

/** Whoever has no role in all of an organization sees who has one in the projects that they are admin of. */
async function membersOf(projects: readonly Project[], signal: AbortSignal) {
  const admined = projects.filter(({ role }) => role === 'admin')
  const asked = admined.map(({ name }) =>
    body(ofProject.$get({ param: { project: part(name) } }, { init: { signal } })),
  )
  const found = (await Promise.all(asked)).flatMap(({ items }) => items)
  return { items: [...new Map(found.map((member) => [keyOfMember(member), member])).values()] }
}

export const keyOfMember = ({ kind, name, project }: Holder): string =>
  `${kind === 'team' ? 'team' : 'user'} ${name} ${project ?? ''}`

function give(organization: string, { kind, name, project }: Holder, role: Role) {
  const holders = kind === 'team' ? 'teams' : 'people'
  const json = { role }
  return project === null
    ? body(ofAll[holders][':name'].$put({ param: { ...at(organization).param, name: part(name) }, json }))
    : body(ofProject[holders][':name'].$put({ param: { project: part(project), name: part(name) }, json }))
}

function take(organization: string, { kind, name, project }: Holder) {
  const holders = kind === 'team' ? 'teams' : 'people'
  return project === null
    ? body(ofAll[holders][':name'].$delete({ param: { ...at(organization).param, name: part(name) } }))
    : body(ofProject[holders][':name'].$delete({ param: { project: part(project), name: part(name) } }))
}

const teamAt = (organization: string, team: string) => ({ ...at(organization).param, team: part(team) })

/** What people do about who belongs where. */
export const organizations = {
  list: (signal: AbortSignal) => answer(v1.organizations.$get({}, { init: { signal } })),
  add: (name: string) => body(v1.organizations.$post({ json: { name } })),
  remove: async (name: string): Promise<void> => void (await body(done(one.$delete(at(name))))),
  inside,
  give,
  take,
  addTeam: (organization: string, team: string) => body(oneTeam.$put({ param: teamAt(organization, team) })),
  removeTeam: (organization: string, team: string) =>
    body(oneTeam.$delete({ param: teamAt(organization, team) })),
  join: (organization: string, team: string, name: string) =>
    body(oneTeam.people[':name'].$put({ param: { ...teamAt(organization, team), name: part(name) } })),
  leave: (organization: string, team: string, name: string) =>
    body(oneTeam.people[':name'].$delete({ param: { ...teamAt(organization, team), name: part(name) } })),
  settle: (project: string, settings: { readonly public?: boolean; readonly organization?: string }) =>
    body(v1.projects[':project'].settings.$patch({ param: { project: part(project) }, json: settings })),
}

/** Links that let people in. */
export const invitations = {
  list: (organization: string, signal: AbortSignal) =>
    answer(invited.$get(at(organization), { init: { signal } })),
  /** The link is in the answer, and in none after it. */
  add: (organization: string, offer: InvitationOffer) =>
    body(invited.$post({ ...at(organization), json: offer })),
  withdraw: async (organization: string, id: number): Promise<void> => {
    await body(done(invited[':id'].$delete({ param: { ...at(organization).param, id: String(id) } })))
  },
}
