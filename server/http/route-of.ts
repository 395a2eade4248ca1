import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { HouseEnv } from './kit.ts'

const ROOT = '/api/v1'

/** The route that will answer, as tables write it: `GET /projects/:project`; null where there is none. */
export function routeOf(c: Context<HouseEnv>): string | null {
  const method = c.req.method === 'HEAD' ? 'GET' : c.req.method
  const found = matchedRoutes(c).find((route) => route.method === method && route.path.startsWith(ROOT))
  // a parameter may say what it takes (`:path{.+}`), which is no part of its name
  return found ? `${method} ${found.path.slice(ROOT.length).replaceAll(/\{[^}]*\}/g, '')}` : null
}

export type Place = Readonly<Record<string, string>>

/** What the parameters of a route stand for in this path. */
export function placeIn(route: string, path: string): Place {
  const parts = path.slice(ROOT.length).split('/')
  const names = route.slice(route.indexOf('/')).split('/')
  const named = names.flatMap((name, at): [string, string][] =>
    name.startsWith(':') ? [[name.slice(1), decodeURIComponent(parts[at] ?? '')]] : [],
  )
  return Object.fromEntries(named)
}

/** The path below the API's root, readable. */
export const pathBelow = (path: string): string => decodeURIComponent(path.slice(ROOT.length))
