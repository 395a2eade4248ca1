import { createRoute, z } from '@hono/zod-openapi'
import { theProject } from '../catalog/routes.ts'
import { body, json, routes } from '../http/kit.ts'
import { type Keeping, secretsOf } from './keep.ts'
import { ofOrganization, ofProject } from './owner.ts'
import { Narrowing, ScopeAsked, Secret, SecretAsked, secretName, StoreNames } from './shapes.ts'

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
    200: json(
      z.object({ items: z.array(Secret), inherited: z.array(Secret), stores: StoreNames, next: z.null() }),
      'By name',
    ),
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
export const secretRoutes = (kept: Keeping) => {
  const secrets = secretsOf(kept)
  const ownerOf = async (name: string) => ofProject((await theProject(kept.db, name)).id)
  return routes()
    .openapi(list, async (c) => {
      const { id, organization_id } = await theProject(kept.db, c.req.valid('param').project)
      const items = await secrets.list(ofProject(id))
      const inherited = await secrets.list(ofOrganization(organization_id))
      return c.json({ items, inherited, stores: [...kept.stores.names], next: null }, 200)
    })
    .openapi(set, async (c) => {
      const { project, name } = c.req.valid('param')
      const meant = { owner: await ownerOf(project), name, by: c.get('user').id }
      return c.json(await secrets.set(meant, c.req.valid('json')), 200)
    })
    .openapi(narrow, async (c) => {
      const { project, name } = c.req.valid('param')
      const meant = { owner: await ownerOf(project), name, by: c.get('user').id }
      return c.json(await secrets.narrow(meant, c.req.valid('json')), 200)
    })
    .openapi(remove, async (c) => {
      const { project, name } = c.req.valid('param')
      await secrets.remove({ owner: await ownerOf(project), name }, c.req.valid('query'))
      return c.body(null, 204)
    })
}
