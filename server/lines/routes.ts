import { createRoute, z } from '@hono/zod-openapi'
import { MOST_REF_BYTES } from '#pipelines/refs.ts'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { chosenLane, listPipelines, viewPipeline } from './queries.ts'
import { PipelineList, PipelineView } from './shapes.ts'
import { thePipeline } from './the-place.ts'

const name = z.string().max(100)
const tags = ['Pipelines']
const list = createRoute({
  method: 'get',
  path: '/pipelines',
  tags,
  summary: 'Every pipeline that you see, with its newest runs',
  responses: { 200: json(PipelineList, 'All of them') },
})
const get = createRoute({
  method: 'get',
  path: '/projects/{project}/pipelines/{pipeline}',
  tags,
  summary: 'The line as it stands on one lane',
  request: {
    params: z.object({ project: name, pipeline: name }),
    query: z.object({
      lane: z
        .string()
        .max(MOST_REF_BYTES)
        .optional()
        .openapi({ description: 'The lane; without it the default branch’s, else the newest' }),
    }),
  },
  responses: { 200: json(PipelineView, 'The pipeline') },
})

export const lineRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(list, async (c) => c.json({ items: await listPipelines(db, c.get('access')), next: null }, 200))
    .openapi(get, async (c) => {
      const { project, pipeline } = c.req.valid('param')
      const wanted = c.req.valid('query').lane
      const found = await thePipeline(db, project, pipeline)
      const lane = await chosenLane(db, found, wanted)
      if (wanted !== undefined && !lane)
        throw new Problem('lane-not-found', `there is no lane \`${wanted}\`: nothing was pushed to it yet`)
      const shown = { lane: lane ?? null, access: c.get('access') }
      return c.json({ ...(await viewPipeline(db, found, shown)), role: c.get('role') }, 200)
    })
