import { createRoute, z } from '@hono/zod-openapi'
import { deleteCookie, setCookie } from 'hono/cookie'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { identify, SESSION_COOKIE, sessionIn } from './authenticate.ts'
import { endSession, newLoginLink, newSession, spendLoginLink } from './queries.ts'

const Me = z.object({ name: z.string(), role: z.enum(['admin', 'member']) }).openapi('Me')
const SignIn = z.object({ link: z.string().max(200).optional() }).openapi('SignIn')
const LoginLink = z.object({ url: z.string() }).openapi('LoginLink')

const getMe = createRoute({
  method: 'get',
  path: '/me',
  tags: ['Access'],
  summary: 'Who is asking',
  responses: { 200: json(Me, 'The one who asks') },
})
const signIn = createRoute({
  method: 'post',
  path: '/session',
  tags: ['Access'],
  summary: 'Turn a login link or a bearer token into the dashboard’s session cookie',
  request: { body: { required: false, content: { 'application/json': { schema: SignIn } } } },
  responses: { 200: json(Me, 'Signed in; the cookie is set') },
})
const signOut = createRoute({
  method: 'delete',
  path: '/session',
  tags: ['Access'],
  summary: 'End the session',
  responses: { 204: { description: 'Ended' } },
})
const makeLink = createRoute({
  method: 'post',
  path: '/login-links',
  tags: ['Access'],
  summary: 'Make a link that signs its opener in once, within a day',
  responses: { 201: json(LoginLink, 'The link') },
})

/** Signing in and out. `publicUrl` is the address that people open. */
export const accessRoutes = ({ db, publicUrl }: { db: Db; publicUrl: () => string }) =>
  routes()
    .openapi(getMe, (c) => {
      const { name, role } = c.get('user')
      return c.json({ name, role }, 200)
    })
    .openapi(signIn, async (c) => {
      const link = c.req.header('content-type') ? c.req.valid('json').link : undefined
      const user = link
        ? await spendLoginLink(db, link)
        : (await identify(db, { authorization: c.req.header('authorization'), cookie: undefined }))?.id
      if (!user) {
        if (link) throw new Problem('bad-login-link', 'get a new one: `takt login-link`')
        throw new Problem('not-signed-in', 'send `{"link": …}` or `Authorization: Bearer <API token>`')
      }
      const { secret, maxAgeS } = await newSession(db, user)
      const secure = publicUrl().startsWith('https:')
      setCookie(c, SESSION_COOKIE, secret, {
        httpOnly: true,
        sameSite: 'Lax',
        secure,
        path: '/',
        maxAge: maxAgeS,
      })
      const { name, role } = await db
        .selectFrom('users')
        .select(['name', 'role'])
        .where('id', '=', user)
        .executeTakeFirstOrThrow()
      return c.json({ name, role }, 200)
    })
    .openapi(signOut, async (c) => {
      const secret = sessionIn(c.req.header('cookie'))
      if (secret) await endSession(db, secret)
      deleteCookie(c, SESSION_COOKIE, { path: '/' })
      return c.body(null, 204)
    })
    .openapi(makeLink, async (c) =>
      c.json({ url: `${publicUrl()}/login#${await newLoginLink(db, c.get('user').id)}` }, 201),
    )
