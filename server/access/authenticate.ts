import type { IncomingHttpHeaders } from 'node:http'
import type { MiddlewareHandler } from 'hono'
import type { Db } from '../db/connect.ts'
import type { HouseEnv } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { accessOf } from './grants.ts'
import { keepSession, sessionIn } from './cookie.ts'
import { type Identity, userOfToken } from './queries.ts'
import { renewIfChanged, rightsOf, userOfSession } from './sessions.ts'

/** `held`: shown when a connection was opened that is still there. */
export type Credentials = {
  readonly authorization: string | undefined
  readonly cookie: string | undefined
  readonly held?: boolean
}

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
export async function identify(
  db: Db,
  { authorization, cookie, held = false }: Credentials,
): Promise<Identity | null> {
  const bearer = /^Bearer (\S{1,200})$/i.exec(authorization ?? '')?.[1]
  if (bearer) {
    const user = await userOfToken(db, bearer)
    if (!user) throw new Problem('bad-token', 'make a new one, or look for a slip of the pen')
    return user
  }
  const session = sessionIn(cookie)
  return session ? userOfSession(db, session, { held }) : null
}

/**
 * Find out who asks and what they may. Whether that is enough is `allow`'s to say. A session whose owner may something else than
 * before gets a new secret with the answer.
 */
export const authenticate = ({
  db,
  publicUrl,
}: {
  db: Db
  publicUrl: () => string
}): MiddlewareHandler<HouseEnv> =>
  async function authenticated(c, next) {
    const cookie = c.req.header('cookie')
    const who = await identify(db, { authorization: c.req.header('authorization'), cookie })
    const access = await accessOf(db, who)
    if (who) {
      c.set('user', who)
      c.set('via', who.via)
    }
    c.set('access', access)
    await next()
    const secret = who?.via.by === 'session' ? sessionIn(cookie) : null
    if (secret === null) return
    const fresh = await renewIfChanged(db, secret, rightsOf(access))
    if (fresh) keepSession(c, fresh, publicUrl())
  }
