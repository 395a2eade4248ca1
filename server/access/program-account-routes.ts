import { createRoute, z } from '@hono/zod-openapi'
import { ROLES } from '#pipelines/access/roles.ts'
import type { TokenId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { body, json, routes } from '../http/kit.ts'
import { organizationCalled } from './grants.ts'
import {
  addServiceAccount,
  listServiceAccounts,
  retireServiceAccount,
  type ServiceAccountRow,
  theServiceAccount,
} from './program-accounts.ts'
import { freshToken } from './token-routes.ts'
import { FreshToken, shownToken, TokenList, TokenWish } from './token-shapes.ts'
import { boundsOf, endToken, refuseBound, tokensOf } from './tokens.ts'
import { USER_NAME, USER_NAME_RULE } from './users.ts'

const tags = ['People']
const ServiceAccount = z
  .object({
    name: z.string(),
    role: z
      .enum(ROLES)
      .nullable()
      .openapi({ description: 'In the whole organization; null: in single projects at most' }),
    tokens: z.int(),
    created_at: z.string(),
    disabled_at: z.string().nullable(),
  })
  .openapi('ServiceAccount')
const ServiceAccountList = z
  .object({ items: z.array(ServiceAccount), next: z.null() })
  .openapi('ServiceAccountList')
const NewServiceAccount = z
  .object({ name: z.string().regex(USER_NAME, { error: USER_NAME_RULE }), role: z.enum(ROLES).optional() })
  .openapi('NewServiceAccount')

const OfOrganization = z.object({ organization: z.string().max(100) })
const Named = OfOrganization.extend({ account: z.string().max(100) })
const OfToken = Named.extend({ id: z.coerce.number().int().positive() })
const PATH = '/organizations/{organization}/service-accounts'

const list = createRoute({
  method: 'get',
  path: PATH,
  tags,
  summary: 'The service accounts of an organization',
  request: { params: OfOrganization },
  responses: { 200: json(ServiceAccountList, 'By name') },
})
const add = createRoute({
  method: 'post',
  path: PATH,
  tags,
  summary: 'Make an account for a program, which is let in by its API tokens alone',
  request: { params: OfOrganization, body: body(NewServiceAccount) },
  responses: { 201: json(ServiceAccount, 'The account') },
})
const retire = createRoute({
  method: 'delete',
  path: `${PATH}/{account}`,
  tags,
  summary: 'Take tokens and roles from a service account, for good; its name stays with what it did',
  request: { params: Named },
  responses: { 204: { description: 'It may nothing any more' } },
})
const listTokens = createRoute({
  method: 'get',
  path: `${PATH}/{account}/tokens`,
  tags,
  summary: 'The API tokens of a service account',
  request: { params: Named },
  responses: { 200: json(TokenList, 'The newest first') },
})
const addToken = createRoute({
  method: 'post',
  path: `${PATH}/{account}/tokens`,
  tags,
  summary: 'Make an API token for a service account',
  request: { params: Named, body: body(TokenWish) },
  responses: { 201: json(FreshToken, 'The token, with its secret, this once') },
})
const removeToken = createRoute({
  method: 'delete',
  path: `${PATH}/{account}/tokens/{id}`,
  tags,
  summary: 'End an API token of a service account',
  request: { params: OfToken },
  responses: { 204: { description: 'It opens nothing any more' } },
})

/** What admins of an organization do about its programs. */
export const serviceAccountRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(list, async (c) => {
      const organization = await organizationCalled(db, c.req.valid('param').organization)
      const rows = await listServiceAccounts(db, organization)
      return c.json({ items: rows.map(show), next: null }, 200)
    })
    .openapi(add, async (c) => {
      refuseBound(c.get('access'))
      const { name, role = null } = c.req.valid('json')
      const made = await transact(db, async (tx) => {
        const organization = await organizationCalled(tx.db, c.req.valid('param').organization)
        await addServiceAccount(tx.db, { organization, name, role })
        tx.emit({ kind: 'access.changed' })
        return (await listServiceAccounts(tx.db, organization)).find((each) => each.name === name)
      })
      if (!made) throw new Error(`the service account ${name} was made and is not there`)
      return c.json(show(made), 201)
    })
    .openapi(retire, async (c) => {
      const { organization, account } = c.req.valid('param')
      await transact(db, async (tx) => {
        const of = await organizationCalled(tx.db, organization)
        await retireServiceAccount(tx.db, await theServiceAccount(tx.db, of, account))
        tx.emit({ kind: 'access.changed' })
      })
      return c.body(null, 204)
    })
    .openapi(listTokens, async (c) => {
      const { organization, account } = c.req.valid('param')
      const user = await theServiceAccount(db, await organizationCalled(db, organization), account)
      return c.json({ items: (await tokensOf(db, user)).map(shownToken), next: null }, 200)
    })
    .openapi(addToken, async (c) => {
      const { organization, account } = c.req.valid('param')
      const { name, ...wish } = c.req.valid('json')
      const asker = { access: c.get('access'), via: c.get('via') }
      const made = await transact(db, async (tx) => {
        const of = await organizationCalled(tx.db, organization)
        const user = await theServiceAccount(tx.db, of, account)
        return freshToken(tx.db, { user, name, bounds: await boundsOf(tx.db, wish, asker) })
      })
      return c.json(made, 201)
    })
    .openapi(removeToken, async (c) => {
      const { organization, account, id } = c.req.valid('param')
      await transact(db, async (tx) => {
        const of = await organizationCalled(tx.db, organization)
        await endToken(tx.db, await theServiceAccount(tx.db, of, account), id as TokenId)
        tx.emit({ kind: 'access.changed' })
      })
      return c.body(null, 204)
    })

const show = ({
  tokens,
  created_at,
  disabled_at,
  ...row
}: ServiceAccountRow): z.output<typeof ServiceAccount> => ({
  ...row,
  tokens: Number(tokens ?? 0),
  created_at: created_at.toISOString(),
  disabled_at: disabled_at?.toISOString() ?? null,
})
