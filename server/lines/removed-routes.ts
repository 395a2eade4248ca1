import { createRoute, z } from '@hono/zod-openapi'
import { theProject } from '../catalog/routes.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { condemn } from './condemn.ts'
import { findRemoved, REMOVABLE } from './find-removed.ts'

const name = z.string().max(100)
const params = z.object({ project: name })
const kind = z.enum(REMOVABLE)

export const RemovedList = z
  .object({
    items: z.array(
      z.object({
        of: kind,
        pipeline: z.string(),
        name: z.string(),
        removed_at: z.string().openapi({ format: 'date-time' }),
        commit: z.string().nullable().openapi({ description: 'The commit whose file has it no more' }),
        deleting: z.boolean().openapi({ description: 'Somebody let its history be deleted, which goes on' }),
        newest_run: z.object({ id: z.number().int(), number: z.number().int() }).nullable(),
      }),
    ),
    next: z.null(),
  })
  .openapi('RemovedList')

const list = createRoute({
  method: 'get',
  path: '/projects/{project}/removed',
  tags: ['Pipelines'],
  summary: 'What the default branch has no more, with its history: committed again, it goes on where it was',
  request: { params },
  responses: { 200: json(RemovedList, 'The last removed first') },
})
const remove = createRoute({
  method: 'post',
  path: '/projects/{project}/removed/delete',
  tags: ['Pipelines'],
  summary:
    'Delete the history of something removed for good: runs, logs, files, versions that nothing else holds',
  request: { params, body: body(z.object({ of: kind, pipeline: name, name, confirm: z.string().max(200) })) },
  responses: { 202: json(RemovedList, 'It is deleted bit by bit') },
})

export const removedRoutes = ({ db }: { db: Db }) => {
  const shown = async (project: string) => ({
    items: await findRemoved(db, (await theProject(db, project)).id),
    next: null,
  })
  return routes()
    .openapi(list, async (c) => c.json(await shown(c.req.valid('param').project), 200))
    .openapi(remove, async (c) => {
      const { project } = c.req.valid('param')
      await condemn(db, await theProject(db, project), c.req.valid('json'))
      return c.json(await shown(project), 202)
    })
}
