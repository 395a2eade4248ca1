import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import {
  type Access,
  type Ground,
  isSiteAdmin,
  reaches,
  type Role,
  roleIn,
  roleInOrganization,
} from '#pipelines/access/roles.ts'
import type { RunId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import type { HouseEnv } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { groundOfProject, groundOfRun, organizationNamed } from './grants.ts'
import { type Need, ROUTE_RIGHTS } from './route-rights.ts'

const ROOT = '/api/v1'

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
    await next()
  }

/** The route that will answer, as the table writes it; null where there is none. */
function routeOf(c: Context<HouseEnv>): string | null {
  const method = c.req.method === 'HEAD' ? 'GET' : c.req.method
  const found = matchedRoutes(c).find((route) => route.method === method && route.path.startsWith(ROOT))
  // a parameter may say what it takes (`:path{.+}`), which is no part of its name
  return found ? `${method} ${found.path.slice(ROOT.length).replaceAll(/\{[^}]*\}/g, '')}` : null
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
  const { role, refusal } = await standing(db, access, { need, at: placeIn(route, c.req.path) })
  if (reaches(role, need.role)) return
  if (!isSomebody) throw notSignedIn() // whether it is there or not
  if (role === null) throw refusal
  throw new Problem('not-allowed', `this needs the role ${need.role} there, and yours is ${role}`)
}

type Place = Readonly<Record<string, string>>
type Standing = { readonly role: Role | null; readonly refusal: Problem }

/** The role that the asker has in the place, and what is said where they have none. */
async function standing(
  db: Db,
  access: Access,
  { need, at }: { need: Exclude<Need, string>; at: Place },
): Promise<Standing> {
  // An admin of the server hears of what is missing from the route itself, which knows what exactly.
  const missing = isSiteAdmin(access) ? ('admin' as const) : null
  const of = (ground: Ground | undefined) => (ground ? roleIn(access, ground) : missing)
  switch (need.on) {
    case 'project': {
      const { project = '' } = at
      const refusal = new Problem('project-not-found', `there is no project \`${project}\``)
      return { role: of(await groundOfProject(db, project)), refusal }
    }
    case 'run': {
      const { id = '' } = at
      const refusal = new Problem('run-not-found', `there is no run ${id}`)
      const run = /^\d{1,15}$/.test(id) ? await groundOfRun(db, Number(id) as RunId) : undefined
      return { role: of(run), refusal }
    }
    case 'organization': {
      const { organization = '' } = at
      const refusal = new Problem('organization-not-found', `there is no organization \`${organization}\``)
      const id = await organizationNamed(db, organization)
      return { role: id === undefined ? missing : roleInOrganization(access, id), refusal }
    }
  }
}

/** What the parameters of a route stand for in this path. */
function placeIn(route: string, path: string): Place {
  const parts = path.slice(ROOT.length).split('/')
  const names = route.slice(route.indexOf('/')).split('/')
  const named = names.flatMap((name, at): [string, string][] =>
    name.startsWith(':') ? [[name.slice(1), decodeURIComponent(parts[at] ?? '')]] : [],
  )
  return Object.fromEntries(named)
}

const notSignedIn = () =>
  new Problem(
    'not-signed-in',
    'open a login link (`takt login-link`), or send `Authorization: Bearer <API token>`',
  )
