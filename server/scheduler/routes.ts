import { createRoute, z } from '@hono/zod-openapi'
import { MOST_REF_BYTES } from '#pipelines/refs.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { laneOf } from '../lines/queries.ts'
import { thePipeline } from '../lines/routes.ts'
import { Problem } from '../problem.ts'
import { theRun } from '../runs/routes.ts'
import { Run } from '../runs/shapes.ts'
import { startByHand } from './start-by-hand.ts'

const name = z.string().max(100)
const start = createRoute({
  method: 'post',
  path: '/projects/{project}/pipelines/{pipeline}/jobs/{job}/runs',
  tags: ['Runs'],
  summary: 'Start a job by hand, on the newest inputs that its needs agree on',
  request: {
    params: z.object({ project: name, pipeline: name, job: name }),
    body: { ...body(z.object({ lane: z.string().max(MOST_REF_BYTES).optional() })), required: false },
  },
  responses: { 201: json(Run, 'The new run') },
})

export const startRoutes = ({ db }: { db: Db }) =>
  routes().openapi(start, async (c) => {
    const { project, pipeline, job } = c.req.valid('param')
    const said = c.req.header('content-type') ? c.req.valid('json').lane : undefined
    const found = await thePipeline(db, project, pipeline)
    const wanted = said ?? found.default_branch
    const lane = await laneOf(db, found.id, wanted)
    if (!lane)
      throw new Problem('lane-not-found', `there is no lane \`${wanted}\`: nothing was pushed to it yet`)
    const row = await db
      .selectFrom('jobs')
      .select('id')
      .where('pipeline_id', '=', found.id)
      .where('name', '=', job)
      .executeTakeFirst()
    if (!row) throw new Problem('job-not-found', `there is no job \`${job}\` in ${project}/${pipeline}`)
    const id = await startByHand(db, { job: row.id, lane: lane.id }, c.get('user'))
    return c.json(await theRun(db, id), 201)
  })
