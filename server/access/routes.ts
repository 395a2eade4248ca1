import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { UserId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { type HouseEnv, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { identify } from './authenticate.ts'
import { dropSession, keepSession, sessionIn } from './cookie.ts'
import { Me, meOf } from './me.ts'
import { MOST_LETTERS } from './passwords.ts'
import { newLoginLink, spendLoginLink } from './queries.ts'
import { endSession, newSession } from './sessions.ts'
import { userByPassword } from './sign-in.ts'
import { refuseOutgrowing } from './tokens.ts'

const SignIn = z
  .object({
    link: z.string().max(200).optional(),
    name: z
      .string()
      .min(1)
      .max(254)
      .optional()
      .openapi({ description: 'The account’s name or e-mail address' }),
    password: z
      .string()
      .max(4 * MOST_LETTERS)
      .optional(),
  })
  .openapi('SignIn')
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
  summary: 'Turn a name and a password, a login link or a bearer token into the dashboard’s session cookie',
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
    .openapi(getMe, async (c) => c.json(await meOf(db, c.get('user').id), 200))
    .openapi(signIn, async (c) => {
      const said = c.req.header('content-type') ? c.req.valid('json') : {}
      const { user, how } = await whoSignsIn(db, c, said)
      const client = c.req.header('user-agent') ?? null
      const before = sessionIn(c.req.header('cookie'))
      const me = await meOf(db, user)
      audited({ actor: { id: user, name: me.name }, after: { how } })
      const fresh = await transact(db, async (tx) => {
        // What was there before signing in, somebody else may have put there.
        if (before !== null) await endSession(tx.db, before)
        return newSession(tx.db, user, { client, address: c.get('address'), how })
      })
      keepSession(c, fresh, publicUrl())
      return c.json(me, 200)
    })
    .openapi(signOut, async (c) => {
      const secret = sessionIn(c.req.header('cookie'))
      if (secret) await transact(db, (tx) => endSession(tx.db, secret))
      dropSession(c)
      return c.body(null, 204)
    })
    .openapi(makeLink, async (c) => {
      refuseOutgrowing(c.get('access'), c.get('via'))
      const link = await transact(db, (tx) => newLoginLink(tx.db, c.get('user').id))
      return c.json({ url: `${publicUrl()}/login#${link}` }, 201)
    })

type Shown = z.output<typeof SignIn>

async function whoSignsIn(db: Db, c: Context<HouseEnv>, said: Shown): Promise<{ user: UserId; how: string }> {
  const { link, name, password } = said
  if (link !== undefined && link !== '') {
    const user = await transact(db, async (tx) => {
      const spent = await spendLoginLink(tx.db, link)
      if (!spent) throw new Problem('bad-login-link', 'get a new one: `takt login-link`')
      audited({ actor: { id: spent, name: (await meOf(db, spent)).name } })
      return spent
    })
    return { user, how: 'link' }
  }
  if (name !== undefined && password !== undefined)
    return { user: await userByPassword(db, { name, password, address: c.get('address') }), how: 'password' }
  const who = await identify(db, { authorization: c.req.header('authorization'), cookie: undefined })
  if (!who)
    throw new Problem(
      'not-signed-in',
      'send `{"name": …, "password": …}`, `{"link": …}` or `Authorization: Bearer <API token>`',
    )
  refuseOutgrowing(who, who.via)
  return { user: who.id, how: 'token' }
}
