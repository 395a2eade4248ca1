import { createRoute, z } from '@hono/zod-openapi'
import { ENV_NAME } from '#pipelines/language/shape/scalars.ts'
import { theProject } from '../catalog/routes.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { unfitness } from './fitness.ts'
import { listSecrets, removeSecret, type SecretRow, setSecret } from './queries.ts'
import { wrappingKey } from './seal.ts'

const ofProject = z.object({ project: z.string().max(100) })
const named = ofProject.extend({
  name: z
    .string()
    .regex(ENV_NAME, { error: 'a secret is named like a variable, such as DEPLOY_KEY' })
    .refine((name) => !name.startsWith('TAKT_'), { error: 'names that begin with TAKT_ are Takt’s own' }),
})
const Secret = z
  .object({
    name: z.string(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    updated_by: z.string(),
  })
  .openapi('Secret', { description: 'A secret without its value, which nobody can read back' })
const Value = z.object({ value: z.string().openapi({ description: 'Text; at least 4 characters' }) })

const list = createRoute({
  method: 'get',
  path: '/projects/{project}/secrets',
  tags: ['Secrets'],
  summary: 'The names of a project’s secrets; no value is ever shown',
  request: { params: ofProject },
  responses: { 200: json(z.object({ items: z.array(Secret), next: z.null() }), 'By name') },
})
const set = createRoute({
  method: 'put',
  path: '/projects/{project}/secrets/{name}',
  tags: ['Secrets'],
  summary: 'Store a secret, in place of the one of that name',
  request: { params: named, body: body(Value) },
  responses: { 200: json(Secret, 'The secret') },
})
const remove = createRoute({
  method: 'delete',
  path: '/projects/{project}/secrets/{name}',
  tags: ['Secrets'],
  summary: 'Forget a secret; runs that have it keep it',
  request: { params: named },
  responses: { 204: { description: 'It is gone' } },
})

export const secretRoutes = ({ db, secretKey }: { db: Db; secretKey: string }) => {
  const wrapping = wrappingKey(secretKey)
  return routes()
    .openapi(list, async (c) => {
      const { id } = await theProject(db, c.req.valid('param').project)
      return c.json({ items: (await listSecrets(db, id)).map(show), next: null }, 200)
    })
    .openapi(set, async (c) => {
      const { project, name } = c.req.valid('param')
      const { id } = await theProject(db, project)
      const { value } = c.req.valid('json')
      const unfit = unfitness(value)
      if (unfit !== null) throw new Problem('bad-secret', `the value of ${name} is not stored: ${unfit}`)
      const row = await setSecret(db, { project: id, name, value, by: c.get('user').id }, wrapping)
      return c.json(show(row), 200)
    })
    .openapi(remove, async (c) => {
      const { project, name } = c.req.valid('param')
      const { id } = await theProject(db, project)
      if (await removeSecret(db, id, name)) return c.body(null, 204)
      throw new Problem('secret-not-found', `${project} has no secret \`${name}\``)
    })
}

const show = ({ name, created_at, updated_at, updated_by }: SecretRow): z.output<typeof Secret> => ({
  name,
  created_at: created_at.toISOString(),
  updated_at: updated_at.toISOString(),
  updated_by,
})
