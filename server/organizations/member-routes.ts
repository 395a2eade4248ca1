import { createRoute, z } from '@hono/zod-openapi'
import type { Role } from '#pipelines/access/roles.ts'
import type { ProjectId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import {
  listMembers,
  type Placed,
  teamNamed,
  theOrganization,
  theProjectPlace,
  userNamed,
} from './queries.ts'
import { setGrant, takeGrant } from './set-grant.ts'
import { MemberList, RoleName } from './shapes.ts'

const tags = ['Organizations']
const name = z.string().min(1).max(100)
const Given = z.object({ role: RoleName })
const now = { 200: json(MemberList, 'Who has which role now') }

const HOLDERS = { people: 'a person or a service account', teams: 'a team' } as const
type Holders = keyof typeof HOLDERS
const GROUNDS = { organization: 'an organization', project: 'a project' } as const
type GroundKind = keyof typeof GROUNDS

/** The parameter is called after what it names, as in all other routes. */
const placeOf = <G extends GroundKind>(ground: G) => ({ [ground]: name }) as { [K in G]: typeof name }

const list = <G extends GroundKind>(ground: G) =>
  createRoute({
    method: 'get',
    path: `/${ground}s/{${ground}}/members` as `/${G}s/{${G}}/members`,
    tags,
    summary: `Who has which role in ${GROUNDS[ground]}`,
    request: { params: z.object(placeOf(ground)) },
    responses: { 200: json(MemberList, 'Those of all of the organization first; then by project and name') },
  })
const one = <G extends GroundKind, H extends Holders>(ground: G, holders: H) => ({
  path: `/${ground}s/{${ground}}/members/${holders}/{name}` as `/${G}s/{${G}}/members/${H}/{name}`,
  tags,
  responses: now,
})
const give = <G extends GroundKind, H extends Holders>(ground: G, holders: H) =>
  createRoute({
    ...one(ground, holders),
    method: 'put',
    summary: `Give ${HOLDERS[holders]} a role in ${GROUNDS[ground]}, in place of the one held there`,
    request: { params: z.object({ ...placeOf(ground), name }), body: body(Given) },
  })
const take = <G extends GroundKind, H extends Holders>(ground: G, holders: H) =>
  createRoute({
    ...one(ground, holders),
    method: 'delete',
    summary: `Take the role of ${HOLDERS[holders]} in ${GROUNDS[ground]} away`,
    request: { params: z.object({ ...placeOf(ground), name }) },
  })

type Spot = { readonly organization: Placed; readonly project: ProjectId | null; readonly words: string }

async function spotOf(db: Db | Trx, ground: GroundKind, place: string): Promise<Spot> {
  if (ground === 'organization')
    return { organization: await theOrganization(db, place), project: null, words: place }
  const { project, id, name: of } = await theProjectPlace(db, place)
  return { organization: { id, name: of }, project, words: `the project ${place}` }
}

const holderNamed = async (db: Trx, holders: Holders, { organization }: Spot, wanted: string) =>
  holders === 'people'
    ? { user: await userNamed(db, wanted) }
    : { team: await teamNamed(db, organization, wanted) }

/** Who belongs to organizations and to single projects of them, and as what. */
export function memberRoutes({ db }: { db: Db }) {
  const members = async (ground: GroundKind, place: string) => {
    const { organization, project } = await spotOf(db, ground, place)
    return { items: await listMembers(db, organization.id, project), next: null }
  }
  /** A role is given, or with null taken. */
  const changing = (ground: GroundKind, holders: Holders) => {
    return async (place: string, who: string, role: Role | null) => {
      await transact(db, async (tx) => {
        const spot = await spotOf(tx.db, ground, place)
        const holder = await holderNamed(tx.db, holders, spot, who)
        const grant = { organization: spot.organization.id, project: spot.project, holder }
        if (role !== null) await setGrant(tx, grant, role)
        else if (!(await takeGrant(tx, grant)))
          throw new Problem('not-a-member', `\`${who}\` has no role of their own in ${spot.words}`)
      })
      return members(ground, place)
    }
  }
  const ofOrganization = {
    people: changing('organization', 'people'),
    teams: changing('organization', 'teams'),
  }
  const ofProject = { people: changing('project', 'people'), teams: changing('project', 'teams') }
  return routes()
    .openapi(list('organization'), async (c) =>
      c.json(await members('organization', c.req.valid('param').organization), 200),
    )
    .openapi(list('project'), async (c) =>
      c.json(await members('project', c.req.valid('param').project), 200),
    )
    .openapi(give('organization', 'people'), async (c) => {
      const { organization, name: who } = c.req.valid('param')
      return c.json(await ofOrganization.people(organization, who, c.req.valid('json').role), 200)
    })
    .openapi(give('organization', 'teams'), async (c) => {
      const { organization, name: who } = c.req.valid('param')
      return c.json(await ofOrganization.teams(organization, who, c.req.valid('json').role), 200)
    })
    .openapi(give('project', 'people'), async (c) => {
      const { project, name: who } = c.req.valid('param')
      return c.json(await ofProject.people(project, who, c.req.valid('json').role), 200)
    })
    .openapi(give('project', 'teams'), async (c) => {
      const { project, name: who } = c.req.valid('param')
      return c.json(await ofProject.teams(project, who, c.req.valid('json').role), 200)
    })
    .openapi(take('organization', 'people'), async (c) => {
      const { organization, name: who } = c.req.valid('param')
      return c.json(await ofOrganization.people(organization, who, null), 200)
    })
    .openapi(take('organization', 'teams'), async (c) => {
      const { organization, name: who } = c.req.valid('param')
      return c.json(await ofOrganization.teams(organization, who, null), 200)
    })
    .openapi(take('project', 'people'), async (c) => {
      const { project, name: who } = c.req.valid('param')
      return c.json(await ofProject.people(project, who, null), 200)
    })
    .openapi(take('project', 'teams'), async (c) => {
      const { project, name: who } = c.req.valid('param')
      return c.json(await ofProject.teams(project, who, null), 200)
    })
}
