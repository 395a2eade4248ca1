import type { IncomingHttpHeaders } from 'node:http'
import type { MiddlewareHandler } from 'hono'
import type { Db } from '../db/connect.ts'
import type { HouseEnv } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { accessOf } from './grants.ts'
import { type Identity, userOfSession, userOfToken } from './queries.ts'

export const SESSION_COOKIE = 'takt_session'

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
export async function identify(db: Db, { authorization, cookie }: Credentials): Promise<Identity | null> {
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

/** Find out who asks and what they may. Whether that is enough is `allow`'s to say. */
export const authenticate = (db: Db): MiddlewareHandler<HouseEnv> =>
  async function authenticated(c, next) {
    const who = await identify(db, {
      authorization: c.req.header('authorization'),
      cookie: c.req.header('cookie'),
    })
    if (who) c.set('user', who)
    c.set('access', await accessOf(db, who))
    await next()
  }
