import { createRoute, z } from '@hono/zod-openapi'
import { theProject } from '../catalog/routes.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { etag, expectedIn, Preconditions } from '../http/expected-version.ts'
import { body, json, routes } from '../http/kit.ts'
import { historyOf, listValues, theValue } from './find-values.ts'
import { incrementValue, type Place, removeValue, setValue } from './set-value.ts'
import { Value, ValueHistory, valueKey, ValueList } from './shapes.ts'

const tags = ['Values']
const inProject = z.object({ project: z.string().max(100) })
const keyed = inProject.extend({ key: valueKey })
const limit = z.coerce.number().int().min(1).max(200).default(100)

const list = createRoute({
  method: 'get',
  path: '/projects/{project}/values',
  tags,
  summary: 'The values of a project, by key',
  request: {
    params: inProject,
    query: z.object({
      prefix: z.string().max(200).optional().openapi({ description: 'Only keys that begin so' }),
      after: z.string().max(200).optional().openapi({ description: '`next` of the page before' }),
      limit,
    }),
  },
  responses: { 200: json(ValueList, 'A page of values') },
})
const get = createRoute({
  method: 'get',
  path: '/projects/{project}/values/{key}',
  tags,
  summary: 'One value; its version is the ETag',
  request: { params: keyed },
  responses: { 200: json(Value, 'The value') },
})
const set = createRoute({
  method: 'put',
  path: '/projects/{project}/values/{key}',
  tags,
  summary: 'Set a value; with If-Match only where it is still the one that was read',
  request: {
    params: keyed,
    headers: Preconditions,
    body: body(z.object({ value: z.string().openapi({ description: 'Text, at most 64 KiB' }) })),
  },
  responses: { 200: json(Value, 'The value') },
})
const remove = createRoute({
  method: 'delete',
  path: '/projects/{project}/values/{key}',
  tags,
  summary: 'Remove a value; its history stays for 30 days',
  request: { params: keyed, headers: Preconditions },
  responses: { 204: { description: 'It is gone' } },
})
const increment = createRoute({
  method: 'post',
  path: '/projects/{project}/values/{key}/increment',
  tags,
  summary: 'Count a value up or down by a whole number; everybody who does so at once is counted',
  request: {
    params: keyed,
    body: {
      ...body(z.object({ by: z.number().int().min(-1e15).max(1e15).default(1) })),
      required: false,
    },
  },
  responses: { 200: json(Value, 'The value as it is then') },
})
const history = createRoute({
  method: 'get',
  path: '/projects/{project}/values/{key}/history',
  tags,
  summary: 'What a key was, newest first, and who set it when; the last 100 versions',
  request: {
    params: keyed,
    query: z.object({
      before: z.coerce.number().int().positive().max(2_147_483_647).optional().openapi({ type: 'integer' }),
      limit,
    }),
  },
  responses: { 200: json(ValueHistory, 'Versions of the value') },
})

/** Values of a project: small texts that lines and people share, each with its history. */
export const valueRoutes = ({ db }: { db: Db }) => {
  const placeOf = async ({ project, key }: { project: string; key: string }): Promise<Place> => {
    const { id, name } = await theProject(db, project)
    return { project: { id, name }, key }
  }
  return routes()
    .openapi(list, async (c) => {
      const { id } = await theProject(db, c.req.valid('param').project)
      const page = c.req.valid('query')
      const items = await listValues(db, id, { ...page, prefix: page.prefix, after: page.after })
      const next = items.length === page.limit ? (items.at(-1)?.key ?? null) : null
      return c.json({ items, next }, 200)
    })
    .openapi(get, async (c) => {
      const { project, key } = await placeOf(c.req.valid('param'))
      const value = await theValue(db, project.id, key)
      return c.json(value, 200, { etag: etag(value.version) })
    })
    .openapi(set, async (c) => {
      const at = await placeOf(c.req.valid('param'))
      const said = {
        value: c.req.valid('json').value,
        by: c.get('user').name,
        expected: expectedIn(c.req.valid('header')),
      }
      const value = await transact(db, (tx) => setValue(tx, at, said))
      return c.json(value, 200, { etag: etag(value.version) })
    })
    .openapi(remove, async (c) => {
      const at = await placeOf(c.req.valid('param'))
      const said = { by: c.get('user').name, expected: expectedIn(c.req.valid('header')) }
      await transact(db, (tx) => removeValue(tx, at, said))
      return c.body(null, 204)
    })
    .openapi(increment, async (c) => {
      const at = await placeOf(c.req.valid('param'))
      const { by: step } = c.req.header('content-type') ? c.req.valid('json') : { by: 1 }
      const value = await transact(db, (tx) => incrementValue(tx, at, { by: c.get('user').name, step }))
      return c.json(value, 200, { etag: etag(value.version) })
    })
    .openapi(history, async (c) => {
      const { project, key } = await placeOf(c.req.valid('param'))
      const { before, limit: most } = c.req.valid('query')
      const items = await historyOf(db, project.id, { key, before, limit: most })
      const next = items.length === most ? String(items.at(-1)?.version ?? '') : null
      return c.json({ items, next }, 200)
    })
}
