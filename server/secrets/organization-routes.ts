import { createRoute, z } from '@hono/zod-openapi'
import { theOrganization } from '../organizations/queries.ts'
import { body, json, routes } from '../http/kit.ts'
import { type Keeping, secretsOf } from './keep.ts'
import { ofOrganization } from './owner.ts'
import { Narrowing, ScopeAsked, Secret, SecretAsked, secretName, StoreNames } from './shapes.ts'

const tags = ['Secrets']
const inOrganization = z.object({ organization: z.string().max(100) })
const named = inOrganization.extend({ name: secretName })

const list = createRoute({
  method: 'get',
  path: '/organizations/{organization}/secrets',
  tags,
  summary: 'The names of an organization’s secrets, which all of its projects may use; no value is shown',
  request: { params: inOrganization },
  responses: {
    200: json(z.object({ items: z.array(Secret), stores: StoreNames, next: z.null() }), 'By name'),
  },
})
const set = createRoute({
  method: 'put',
  path: '/organizations/{organization}/secrets/{name}',
  tags,
  summary: 'Store a secret of an organization, in place of the one of that name that is for the same runs',
  request: { params: named, body: body(SecretAsked) },
  responses: { 200: json(Secret, 'The secret') },
})
const narrow = createRoute({
  method: 'post',
  path: '/organizations/{organization}/secrets/{name}/narrow',
  tags,
  summary: 'Let an organization’s secret be for other runs than now; its value stays',
  request: { params: named, body: body(Narrowing) },
  responses: { 200: json(Secret, 'The secret') },
})
const remove = createRoute({
  method: 'delete',
  path: '/organizations/{organization}/secrets/{name}',
  tags,
  summary: 'Forget an organization’s secret; runs that have it keep it',
  request: { params: named, query: ScopeAsked },
  responses: { 204: { description: 'It is gone' } },
})

/** An organization’s secrets. */
export const organizationSecretRoutes = (kept: Keeping) => {
  const secrets = secretsOf(kept)
  const ownerOf = async (name: string) => ofOrganization((await theOrganization(kept.db, name)).id)
  return routes()
    .openapi(list, async (c) => {
      const items = await secrets.list(await ownerOf(c.req.valid('param').organization))
      return c.json({ items, stores: [...kept.stores.names], next: null }, 200)
    })
    .openapi(set, async (c) => {
      const { organization, name } = c.req.valid('param')
      const meant = { owner: await ownerOf(organization), name, by: c.get('user').id }
      return c.json(await secrets.set(meant, c.req.valid('json')), 200)
    })
    .openapi(narrow, async (c) => {
      const { organization, name } = c.req.valid('param')
      const meant = { owner: await ownerOf(organization), name, by: c.get('user').id }
      return c.json(await secrets.narrow(meant, c.req.valid('json')), 200)
    })
    .openapi(remove, async (c) => {
      const { organization, name } = c.req.valid('param')
      await secrets.remove({ owner: await ownerOf(organization), name }, c.req.valid('query'))
      return c.body(null, 204)
    })
}
