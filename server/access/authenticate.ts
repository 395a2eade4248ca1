import type { IncomingHttpHeaders } from 'node:http'
import type { MiddlewareHandler } from 'hono'
import type { Db } from '../db/connect.ts'
import type { HouseEnv, User } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { userOfSession, userOfToken } from './queries.ts'

export const SESSION_COOKIE = 'takt_session'

/** The API routes that need nobody: signing in, and the description of the API itself. A test walks all others. */
export const PUBLIC_ROUTES: readonly string[] = [
  'POST /api/v1/session',
  'GET /api/openapi.json',
  'GET /api/docs',
]

export type Credentials = { readonly authorization: string | undefined; readonly cookie: string | undefined }

export const credentialsOf = (headers: IncomingHttpHeaders): Credentials => ({
  authorization: headers.authorization,
  cookie: headers.cookie,
})

/**
 * Who sends these headers: a bearer token first, else the session cookie.
 *
 * @returns Null when they show nothing.
 * @throws {Problem} `bad-token`, when they show something that opens nothing.
 */
export async function identify(db: Db, { authorization, cookie }: Credentials): Promise<User | null> {
  const bearer = /^Bearer (\S{1,200})$/i.exec(authorization ?? '')?.[1]
  if (bearer) {
    const user = await userOfToken(db, bearer)
    if (!user) throw new Problem('bad-token', 'make a new one, or look for a slip of the pen')
    return user
  }
  const session = sessionIn(cookie)
  return session ? userOfSession(db, session) : null
}

/** The session's secret in a Cookie header. */
export function sessionIn(cookie: string | undefined): string | null {
  for (const part of (cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2)
    if (name === SESSION_COOKIE && value) return value
  }
  return null
}

/** Let nobody pass who is nobody, but for the public routes. */
export const authenticate = (db: Db): MiddlewareHandler<HouseEnv> =>
  async function authenticated(c, next) {
    if (PUBLIC_ROUTES.includes(`${c.req.method} ${c.req.path}`)) return next()
    const user = await identify(db, {
      authorization: c.req.header('authorization'),
      cookie: c.req.header('cookie'),
    })
    if (!user)
      throw new Problem(
        'not-signed-in',
        'open a login link (`takt login-link`), or send `Authorization: Bearer <API token>`',
      )
    c.set('user', user)
    await next()
  }
