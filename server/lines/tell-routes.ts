import { randomUUID } from 'node:crypto'
import { createRoute, z } from '@hono/zod-openapi'
import { NAME } from '#pipelines/language/shape/scalars.ts'
import { findProject } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { tellProject } from '../versions/tell-project.ts'

const name = z.string().max(100)
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

/** What others tell us of by themselves. */
export const tellRoutes = ({ db }: { db: Db }) =>
  routes().openapi(event, async (c) => {
    const { project, source } = c.req.valid('param')
    const found = await findProject(db, project)
    if (!found) throw new Problem('project-not-found', `there is no project \`${project}\``)
    const id = c.req.valid('header')['x-takt-delivery'] ?? randomUUID()
    const { versions } = await tellProject(db, found, { source, id, body: c.req.valid('json') })
    return c.json({ id, versions: [...versions] }, 200)
  })
