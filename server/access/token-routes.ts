import { createRoute, z } from '@hono/zod-openapi'
import type { TokenId, UserId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { body, json, routes } from '../http/kit.ts'
import { FreshToken, shownToken, TokenList, TokenWish } from './token-shapes.ts'
import { addToken, boundsOf, endToken, type NewToken, refuseBound, tokensOf } from './tokens.ts'

const tags = ['Access']

const list = createRoute({
  method: 'get',
  path: '/tokens',
  tags,
  summary: 'Your API tokens',
  responses: { 200: json(TokenList, 'The newest first') },
})
const add = createRoute({
  method: 'post',
  path: '/tokens',
  tags,
  summary: 'Make an API token; what makes it with a token that ends gets one that ends no later',
  request: { body: body(TokenWish) },
  responses: { 201: json(FreshToken, 'The token, with its secret, this once') },
})
const end = createRoute({
  method: 'delete',
  path: '/tokens/{id}',
  tags,
  summary: 'End one of your API tokens',
  request: { params: z.object({ id: z.coerce.number().int().positive() }) },
  responses: { 204: { description: 'It opens nothing any more' } },
})

export const tokenRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(list, async (c) => {
      const rows = await tokensOf(db, c.get('user').id)
      return c.json({ items: rows.map(shownToken), next: null }, 200)
    })
    .openapi(add, async (c) => {
      const { name, ...wish } = c.req.valid('json')
      const asker = { access: c.get('access'), via: c.get('via') }
      const made = await transact(db, async (tx) => {
        const bounds = await boundsOf(tx.db, wish, asker)
        return freshToken(tx.db, { user: c.get('user').id, name, bounds })
      })
      return c.json(made, 201)
    })
    .openapi(end, async (c) => {
      refuseBound(c.get('access'))
      await transact(db, async (tx) => {
        await endToken(tx.db, c.get('user').id, c.req.valid('param').id as TokenId)
        tx.emit({ kind: 'access.changed' })
      })
      return c.body(null, 204)
    })

/** Make a token, and show it with its secret. */
export async function freshToken(db: Trx, token: NewToken): Promise<z.output<typeof FreshToken>> {
  const { id, secret } = await addToken(db, token)
  const shown = await shownOf(db, token.user, id)
  audited({ after: shown })
  return { ...shown, secret }
}

async function shownOf(db: Trx, user: UserId, id: TokenId) {
  const row = (await tokensOf(db, user)).find((each) => each.id === id)
  if (!row) throw new Error(`token ${id} was made and is not there`)
  return shownToken(row)
}
