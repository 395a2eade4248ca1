import { createRoute, z } from '@hono/zod-openapi'
import { theOrganization } from '../organizations/queries.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { body, json, routes } from '../http/kit.ts'
import { fitting } from './fitness.ts'
import type { Keyring } from './keyring.ts'
import { ofOrganization } from './owner.ts'
import { listSecrets, narrowSecret, removeSecret, setSecret } from './queries.ts'
import { Narrowing, ScopeAsked, scopeIn, Secret, SecretAsked, secretName, showSecret } from './shapes.ts'

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
    200: json(z.object({ items: z.array(Secret), next: z.null() }), 'By name'),
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
export const organizationSecretRoutes = ({ db, keys }: { db: Db; keys: Keyring }) => {
  const ownerOf = async (name: string) => ofOrganization((await theOrganization(db, name)).id)
  return routes()
    .openapi(list, async (c) => {
      const items = await listSecrets(db, await ownerOf(c.req.valid('param').organization))
      return c.json({ items: items.map(showSecret), next: null }, 200)
    })
    .openapi(set, async (c) => {
      const { organization, name } = c.req.valid('param')
      const owner = await ownerOf(organization)
      const { value, ...scope } = c.req.valid('json')
      const kept = { value: fitting(name, value) }
      const secret = { owner, name, scope: scopeIn(scope), kept, by: c.get('user').id }
      return c.json(showSecret(await transact(db, (tx) => setSecret(tx, secret, keys))), 200)
    })
    .openapi(narrow, async (c) => {
      const { organization, name } = c.req.valid('param')
      const owner = await ownerOf(organization)
      const { from, to } = c.req.valid('json')
      const secret = { owner, name, scope: scopeIn(from), to: scopeIn(to), by: c.get('user').id }
      return c.json(showSecret(await transact(db, (tx) => narrowSecret(tx, secret, keys))), 200)
    })
    .openapi(remove, async (c) => {
      const { organization, name } = c.req.valid('param')
      const secret = { owner: await ownerOf(organization), name, scope: scopeIn(c.req.valid('query')) }
      await transact(db, (tx) => removeSecret(tx, secret))
      return c.body(null, 204)
    })
}
