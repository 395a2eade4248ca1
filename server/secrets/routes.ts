import { createRoute, z } from '@hono/zod-openapi'
import { theProject } from '../catalog/routes.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { body, json, routes } from '../http/kit.ts'
import { fitting } from './fitness.ts'
import type { Keyring } from './keyring.ts'
import { ofOrganization, ofProject } from './owner.ts'
import { listSecrets, narrowSecret, removeSecret, setSecret } from './queries.ts'
import { Narrowing, ScopeAsked, scopeIn, Secret, SecretAsked, secretName, showSecret } from './shapes.ts'

const tags = ['Secrets']
const inProject = z.object({ project: z.string().max(100) })
const named = inProject.extend({ name: secretName })

const list = createRoute({
  method: 'get',
  path: '/projects/{project}/secrets',
  tags,
  summary:
    'The names of a project’s secrets, and of those it shares with its organization; no value is shown',
  request: { params: inProject },
  responses: {
    200: json(z.object({ items: z.array(Secret), inherited: z.array(Secret), next: z.null() }), 'By name'),
  },
})
const set = createRoute({
  method: 'put',
  path: '/projects/{project}/secrets/{name}',
  tags,
  summary: 'Store a secret, in place of the one of that name that is for the same runs',
  request: { params: named, body: body(SecretAsked) },
  responses: { 200: json(Secret, 'The secret') },
})
const narrow = createRoute({
  method: 'post',
  path: '/projects/{project}/secrets/{name}/narrow',
  tags,
  summary: 'Let a secret be for other runs than now; its value stays',
  request: { params: named, body: body(Narrowing) },
  responses: { 200: json(Secret, 'The secret') },
})
const remove = createRoute({
  method: 'delete',
  path: '/projects/{project}/secrets/{name}',
  tags,
  summary: 'Forget a secret; runs that have it keep it',
  request: { params: named, query: ScopeAsked },
  responses: { 204: { description: 'It is gone' } },
})

/** A project’s secrets. */
export const secretRoutes = ({ db, keys }: { db: Db; keys: Keyring }) => {
  const ownerOf = async (name: string) => ofProject((await theProject(db, name)).id)
  return routes()
    .openapi(list, async (c) => {
      const { id, organization_id } = await theProject(db, c.req.valid('param').project)
      const items = await listSecrets(db, ofProject(id))
      const inherited = await listSecrets(db, ofOrganization(organization_id))
      return c.json({ items: items.map(showSecret), inherited: inherited.map(showSecret), next: null }, 200)
    })
    .openapi(set, async (c) => {
      const { project, name } = c.req.valid('param')
      const owner = await ownerOf(project)
      const { value, ...scope } = c.req.valid('json')
      const kept = { value: fitting(name, value) }
      const secret = { owner, name, scope: scopeIn(scope), kept, by: c.get('user').id }
      return c.json(showSecret(await transact(db, (tx) => setSecret(tx, secret, keys))), 200)
    })
    .openapi(narrow, async (c) => {
      const { project, name } = c.req.valid('param')
      const owner = await ownerOf(project)
      const { from, to } = c.req.valid('json')
      const secret = { owner, name, scope: scopeIn(from), to: scopeIn(to), by: c.get('user').id }
      return c.json(showSecret(await transact(db, (tx) => narrowSecret(tx, secret, keys))), 200)
    })
    .openapi(remove, async (c) => {
      const { project, name } = c.req.valid('param')
      const secret = { owner: await ownerOf(project), name, scope: scopeIn(c.req.valid('query')) }
      await transact(db, (tx) => removeSecret(tx, secret))
      return c.body(null, 204)
    })
}
