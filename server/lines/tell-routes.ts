import { randomUUID } from 'node:crypto'
import { createRoute, z } from '@hono/zod-openapi'
import { ENV_NAME, NAME } from '#pipelines/language/shape/scalars.ts'
import { findProject } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { fieldsOfVersion } from '../resources/fields.ts'
import { laneNow } from '../resources/lane-now.ts'
import { editParams } from '../versions/edit-params.ts'
import { tellProject } from '../versions/tell-project.ts'

const name = z.string().max(100)
const edit = createRoute({
  method: 'put',
  path: '/projects/{project}/pipelines/{pipeline}/resources/{resource}/params',
  tags: ['Versions'],
  summary: 'Set values of a `params` resource: a new version, unless they are set so already',
  request: {
    params: z.object({ project: name, pipeline: name, resource: name }),
    body: body(
      z.object({
        lane: z
          .string()
          .max(500)
          .optional()
          .openapi({ description: 'The lane; without it the default branch’s' }),
        set: z
          .record(z.string().regex(ENV_NAME), z.string().max(20_000))
          .refine((set) => Object.keys(set).length > 0, { error: 'name at least one value' }),
      }),
    ),
  },
  responses: {
    200: json(
      z.object({ version: z.string(), fields: z.record(z.string(), z.string()) }).openapi('Params'),
      'The newest version',
    ),
  },
})
const event = createRoute({
  method: 'post',
  path: '/projects/{project}/events/{source}',
  tags: ['Versions'],
  summary:
    'Tell of something that happened: a version of every `event` resource that listens to this source and asks for it',
  request: {
    params: z.object({ project: name, source: z.string().regex(NAME) }),
    headers: z.object({
      'x-takt-delivery': z
        .string()
        .regex(/^[\w.:-]{1,100}$/)
        .optional()
        .openapi({ description: 'The sender’s own name for it: told twice, it counts once' }),
    }),
    body: body(z.record(z.string(), z.unknown())),
  },
  responses: {
    200: json(
      z
        .object({
          id: z.string(),
          versions: z.array(z.object({ pipeline: z.string(), resource: z.string() })),
        })
        .openapi('EventTaken'),
      'What became of it',
    ),
  },
})

/** What others tell us of by themselves: values that people set, and events. */
export const tellRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(edit, async (c) => {
      const { resource, ...at } = c.req.valid('param')
      const { lane, set } = c.req.valid('json')
      const made = await transact(db, async (tx) => {
        const here = await laneNow(tx, { ...at, lane })
        if (!here)
          throw new Problem(
            'lane-not-found',
            `there is no good file on the lane \`${lane ?? 'by default'}\` yet`,
          )
        return editParams(tx, here, { resource, set })
      })
      return c.json({ version: made.name, fields: { ...fieldsOfVersion(made) } }, 200)
    })
    .openapi(event, async (c) => {
      const { project, source } = c.req.valid('param')
      const found = await findProject(db, project)
      if (!found) throw new Problem('project-not-found', `there is no project \`${project}\``)
      const id = c.req.valid('header')['x-takt-delivery'] ?? randomUUID()
      const { versions } = await tellProject(db, found, { source, id, body: c.req.valid('json') })
      return c.json({ id, versions: [...versions] }, 200)
    })
