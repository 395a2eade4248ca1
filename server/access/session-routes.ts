import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { SessionId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { body, type HouseEnv, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { keepSession, sessionIn } from './cookie.ts'
import { MOST_LETTERS } from './passwords.ts'
import { endOne, endOthers, renew, type SessionRow, sessionsOf } from './sessions.ts'
import { keepPassword, newPhc } from './sign-in.ts'
import { refuseBound } from './tokens.ts'

const Session = z
  .object({
    id: z.int(),
    current: z.boolean().openapi({ description: 'Whether it is the one that asks' }),
    how: z.string().openapi({ description: '`password`, `link`, `token`, or the provider’s name' }),
    client: z.string().nullable().openapi({ description: 'The browser, as it calls itself' }),
    address: z.string().nullable(),
    created_at: z.string(),
    seen_at: z.string(),
    expires_at: z.string(),
  })
  .openapi('Session')
const SessionList = z.object({ items: z.array(Session), next: z.null() }).openapi('SessionList')
const NewPassword = z
  .object({
    current: z
      .string()
      .max(4 * MOST_LETTERS)
      .optional()
      .openapi({ description: 'The present one, where there is one' }),
    password: z.string().max(4 * MOST_LETTERS),
  })
  .openapi('NewPassword')
const Ended = z.object({ ended: z.int() }).openapi('EndedSessions')

const list = createRoute({
  method: 'get',
  path: '/sessions',
  tags: ['Access'],
  summary: 'Where you are signed in',
  responses: { 200: json(SessionList, 'The last used first') },
})
const end = createRoute({
  method: 'delete',
  path: '/sessions/{id}',
  tags: ['Access'],
  summary: 'End one of your sessions',
  request: { params: z.object({ id: z.coerce.number().int().positive() }) },
  responses: { 204: { description: 'It opens nothing any more' } },
})
const endAll = createRoute({
  method: 'delete',
  path: '/sessions',
  tags: ['Access'],
  summary: 'End all your sessions but the one that asks',
  responses: { 200: json(Ended, 'How many there were') },
})
const setPassword = createRoute({
  method: 'put',
  path: '/me/password',
  tags: ['Access'],
  summary: 'Set a password; every other session ends, and login links that were made before are void',
  request: { body: body(NewPassword) },
  responses: { 204: { description: 'It is set, and the session has a new secret' } },
})

/** What people do with their own way in: look at their sessions, end them, set a password. */
export const sessionRoutes = ({ db, publicUrl }: { db: Db; publicUrl: () => string }) =>
  routes()
    .openapi(list, async (c) => {
      const here = sessionIdOf(c)
      const rows = await sessionsOf(db, c.get('user').id)
      return c.json({ items: rows.map((row) => show(row, here)), next: null }, 200)
    })
    .openapi(end, async (c) => {
      refuseBound(c.get('access'))
      const id = c.req.valid('param').id as SessionId
      await transact(db, async (tx) => {
        tx.emit({ kind: 'access.changed' })
        if (!(await endOne(tx.db, c.get('user').id, id)))
          throw new Problem('session-not-found', `you have no session ${id}; it may have ended by itself`)
      })
      return c.body(null, 204)
    })
    .openapi(endAll, async (c) => {
      refuseBound(c.get('access'))
      const ended = await transact(db, async (tx) => {
        tx.emit({ kind: 'access.changed' })
        return endOthers(tx.db, c.get('user').id, sessionIdOf(c))
      })
      return c.json({ ended }, 200)
    })
    .openapi(setPassword, async (c) => {
      const session = sessionIdOf(c)
      const secret = sessionIn(c.req.header('cookie'))
      if (session === null || secret === null)
        throw new Problem(
          'session-needed',
          'sign in in a browser to set a password: `takt login-link` lets you in',
        )
      const { id } = c.get('user')
      const { current = null, password } = c.req.valid('json')
      const phc = await newPhc(db, id, { current, password, address: c.get('address') })
      const fresh = await transact(db, async (tx) => {
        await keepPassword(tx.db, id, phc)
        await endOthers(tx.db, id, session)
        tx.emit({ kind: 'access.changed' })
        return renew(tx.db, secret, null)
      })
      if (fresh) keepSession(c, fresh, publicUrl())
      return c.body(null, 204)
    })

function sessionIdOf(c: Context<HouseEnv>): SessionId | null {
  const via = c.get('via')
  return via.by === 'session' ? via.id : null
}

const show = (row: SessionRow, here: SessionId | null): z.output<typeof Session> => ({
  id: row.id,
  current: row.id === here,
  how: row.how,
  client: row.client,
  address: row.address,
  created_at: row.created_at.toISOString(),
  seen_at: row.seen_at.toISOString(),
  expires_at: row.expires_at.toISOString(),
})
