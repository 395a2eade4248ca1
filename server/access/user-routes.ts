import { createRoute, z } from '@hono/zod-openapi'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { newLoginLink } from './queries.ts'
import { refuseOutgrowing } from './tokens.ts'
import { disableUser, enableUser, listUsers, setRole, theUser, type UserRow } from './users.ts'

const tags = ['People']
const User = z
  .object({
    name: z.string(),
    kind: z.enum(['person', 'service']),
    role: z.enum(['admin', 'member']),
    email: z.string().nullable(),
    organization: z.string().nullable().openapi({ description: 'The one that a service account belongs to' }),
    has_password: z.boolean(),
    tokens: z.int(),
    created_at: z.string(),
    seen_at: z.string().nullable(),
    disabled_at: z.string().nullable(),
  })
  .openapi('User')
const UserList = z.object({ items: z.array(User), next: z.string().nullable() }).openapi('UserList')
const NewRole = z.object({ role: z.enum(['admin', 'member']) }).openapi('NewServerRole')
const LinkOf = z.object({ url: z.string() }).openapi('LoginLinkOf')
const ByName = z.object({ name: z.string().max(100) })
const Page = z.object({
  after: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(100),
})

const list = createRoute({
  method: 'get',
  path: '/users',
  tags,
  summary: 'Everybody who has an account, people and programs',
  request: { query: Page },
  responses: { 200: json(UserList, 'By name') },
})
const act = <Act extends 'disable' | 'enable'>(name: Act, summary: string) =>
  createRoute({
    method: 'post',
    path: `/users/{name}/${name}` as const,
    tags,
    summary,
    request: { params: ByName },
    responses: { 204: { description: 'It is so' } },
  })
const disable = act('disable', 'Shut somebody out: sessions, links and invitations end, tokens open nothing')
const enable = act('enable', 'Let somebody in again; their tokens open again what they did')
const role = createRoute({
  method: 'put',
  path: '/users/{name}/role',
  tags,
  summary: 'Make somebody an admin of the server, or a member again',
  request: { params: ByName, body: body(NewRole) },
  responses: { 204: { description: 'It is so' } },
})
const link = createRoute({
  method: 'post',
  path: '/users/{name}/login-links',
  tags,
  summary: 'Make a link that signs somebody in once, within a day, as when they forgot their password',
  request: { params: ByName },
  responses: { 201: json(LinkOf, 'The link') },
})

type Deps = { readonly db: Db; readonly publicUrl: () => string }

/** What admins of the server do about accounts. */
export function userRoutes({ db, publicUrl }: Deps) {
  const change = (name: string, work: (tx: Tx, user: Awaited<ReturnType<typeof theUser>>) => Promise<void>) =>
    transact(db, async (tx) => {
      await work(tx, await theUser(tx.db, name))
      tx.emit({ kind: 'access.changed' })
    })
  return routes()
    .openapi(list, async (c) => {
      const { after = null, limit } = c.req.valid('query')
      const rows = await listUsers(db, { after, limit: limit + 1 })
      const next = rows.length > limit ? (rows[limit - 1]?.name ?? null) : null
      return c.json({ items: rows.slice(0, limit).map(show), next }, 200)
    })
    .openapi(disable, async (c) => {
      const { name } = c.req.valid('param')
      if (name === c.get('user').name) throw new Problem('not-yourself', 'somebody else has to shut you out')
      await change(name, (tx, user) => disableUser(tx.db, user))
      return c.body(null, 204)
    })
    .openapi(enable, async (c) => {
      await change(c.req.valid('param').name, (tx, user) => enableUser(tx.db, user))
      return c.body(null, 204)
    })
    .openapi(role, async (c) => {
      const { role: wanted } = c.req.valid('json')
      await change(c.req.valid('param').name, (tx, user) => setRole(tx.db, user, wanted))
      return c.body(null, 204)
    })
    .openapi(link, async (c) => {
      refuseOutgrowing(c.get('access'), c.get('via'))
      const secret = await transact(db, async (tx) => {
        const { id, kind } = await theUser(tx.db, c.req.valid('param').name)
        if (kind === 'service')
          throw new Problem('not-for-services', 'a program signs in nowhere; make it an API token instead')
        return newLoginLink(tx.db, id)
      })
      return c.json({ url: `${publicUrl()}/login#${secret}` }, 201)
    })
}

const show = ({ id: _, ...row }: UserRow): z.output<typeof User> => ({
  ...row,
  has_password: Boolean(row.has_password),
  tokens: Number(row.tokens ?? 0),
  created_at: row.created_at.toISOString(),
  seen_at: row.seen_at?.toISOString() ?? null,
  disabled_at: row.disabled_at?.toISOString() ?? null,
})
