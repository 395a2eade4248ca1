import type { Context, MiddlewareHandler } from 'hono'
import {
  type Access,
  type Ground,
  isSiteAdmin,
  reaches,
  type Role,
  roleIn,
  roleInOrganization,
} from '#pipelines/access/roles.ts'
import type { GateId, RunId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import type { HouseEnv, Spot } from '../http/kit.ts'
import { type Place, placeIn, routeOf } from '../http/route-of.ts'
import { Problem } from '../problem.ts'
import { groundOfGate, groundOfProject, groundOfRun, organizationNamed } from './grants.ts'
import { type Need, ROUTE_RIGHTS } from './route-rights.ts'

/**
 * Let a request pass that its asker may make, by the table of routes and nothing else. What one may not see is not there: it is
 * refused in the words for what does not exist. A route that the table does not know is nobody's.
 */
export const allow = (db: Db): MiddlewareHandler<HouseEnv> =>
  async function allowed(c, next) {
    const route = routeOf(c)
    if (route === null) return next() // no such route: said where all of them are known
    const need = Object.hasOwn(ROUTE_RIGHTS, route) ? ROUTE_RIGHTS[route] : undefined
    if (need === undefined) throw new Problem('not-allowed', `${route} is not open to anybody yet`)
    await admit(db, c, { need, route })
    c.set('admitted', true)
    await next()
  }

type Asked = { readonly need: Need; readonly route: string }

async function admit(db: Db, c: Context<HouseEnv>, { need, route }: Asked): Promise<void> {
  if (need === 'anyone') return
  const access = c.get('access')
  const isSomebody = c.get('user') !== undefined
  if (need === 'someone' || need === 'site') {
    if (!isSomebody) throw notSignedIn()
    if (need === 'site' && !isSiteAdmin(access))
      throw new Problem('not-allowed', 'this is for admins of the server')
    return
  }
  const { role, refusal, ground } = await standing(db, access, { need, at: placeIn(route, c.req.path) })
  c.set('ground', ground)
  if (role !== null && reaches(role, need.role)) return c.set('role', role)
  if (!isSomebody) throw notSignedIn() // whether it is there or not
  if (role === null) throw refusal
  throw new Problem('not-allowed', `this needs the role ${need.role} there, and yours is ${role}`)
}

type Standing = {
  readonly role: Role | null
  readonly refusal: Problem
  /** Where that is, for the record; nothing where there is no such place. */
  readonly ground: Spot
}
const NOWHERE: Spot = { organization: null, project: null }

/** The role that the asker has in the place, and what is said where they have none. */
async function standing(
  db: Db,
  access: Access,
  { need, at }: { need: Exclude<Need, string>; at: Place },
): Promise<Standing> {
  // An admin of the server hears of what is missing from the route itself, which knows what exactly.
  const missing = isSiteAdmin(access) ? ('admin' as const) : null
  const inProject = (ground: (Ground & { name: string }) | undefined, refusal: Problem): Standing =>
    ground
      ? {
          ...{ refusal, role: roleIn(access, ground) },
          ground: { organization: ground.organization, project: ground.name },
        }
      : { role: missing, refusal, ground: NOWHERE }
  switch (need.on) {
    case 'project': {
      const { project = '' } = at
      const refusal = new Problem('project-not-found', `there is no project \`${project}\``)
      return inProject(await groundOfProject(db, project), refusal)
    }
    case 'run': {
      const { id = '' } = at
      const refusal = new Problem('run-not-found', `there is no run ${id}`)
      return inProject(
        /^\d{1,15}$/.test(id) ? await groundOfRun(db, Number(id) as RunId) : undefined,
        refusal,
      )
    }
    case 'gate': {
      const { id = '' } = at
      const refusal = new Problem('gate-not-found', `there is no gate ${id}`)
      return inProject(
        /^\d{1,15}$/.test(id) ? await groundOfGate(db, Number(id) as GateId) : undefined,
        refusal,
      )
    }
    case 'organization': {
      const { organization = '' } = at
      const refusal = new Problem('organization-not-found', `there is no organization \`${organization}\``)
      const id = await organizationNamed(db, organization)
      if (id === undefined) return { role: missing, refusal, ground: NOWHERE }
      return {
        role: roleInOrganization(access, id),
        refusal,
        ground: { organization: id, project: null },
      }
    }
  }
}

const notSignedIn = () =>
  new Problem(
    'not-signed-in',
    'open a login link (`takt login-link`), or send `Authorization: Bearer <API token>`',
  )
