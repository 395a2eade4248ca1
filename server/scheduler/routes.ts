import { createRoute, z } from '@hono/zod-openapi'
import { MOST_REF_BYTES } from '#pipelines/refs.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { theJob, theLane, thePipeline } from '../lines/the-place.ts'
import { runFor, WithRunId } from '../runs/routes.ts'
import { Run } from '../runs/shapes.ts'
import { explainRun } from './explain.ts'
import { Explanation, Why } from './shapes.ts'
import { startByHand } from './start-by-hand.ts'
import { whyNot } from './why-not.ts'

const name = z.string().max(100)
const lane = z.string().max(MOST_REF_BYTES).optional()
const ofJob = z.object({ project: name, pipeline: name, job: name })
const JOB = '/projects/{project}/pipelines/{pipeline}/jobs/{job}'
const Start = z.object({
  lane: lane.openapi({ description: 'The lane; without it the default branch’s' }),
  versions: z
    .record(name, z.string().min(1).max(MOST_REF_BYTES))
    .optional()
    .openapi({ description: 'By resource a version, or a beginning of its name, instead of the newest' }),
  inputs: z
    .record(z.string().max(200), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .optional()
    .openapi({ description: 'What the job’s `inputs` ask for' }),
})

const start = createRoute({
  method: 'post',
  path: `${JOB}/runs`,
  tags: ['Runs'],
  summary: 'Start a job by hand: on chosen versions, else on the newest that its needs agree on',
  request: { params: ofJob, body: { ...body(Start), required: false } },
  responses: { 201: json(Run, 'The new run; of a matrix the first one') },
})
const why = createRoute({
  method: 'get',
  path: `${JOB}/why`,
  tags: ['Runs'],
  summary: 'Why a job does not run on a lane, and what became of what could have started it',
  request: { params: ofJob, query: z.object({ lane }) },
  responses: { 200: json(Why, 'The reasons') },
})
const explain = createRoute({
  method: 'get',
  path: '/runs/{id}/explain',
  tags: ['Runs'],
  summary: 'Why a run came to be, decided once more from what was known then',
  request: { params: WithRunId },
  responses: { 200: json(Explanation, 'The facts, the decision, and the decision of today') },
})

export const startRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(start, async (c) => {
      const { project, pipeline, job: jobName } = c.req.valid('param')
      const said = c.req.header('content-type') ? c.req.valid('json') : {}
      const found = await thePipeline(db, project, pipeline)
      const lane = await theLane(db, found, said.lane)
      const job = await theJob(db, found, jobName)
      const chosen = { versions: new Map(Object.entries(said.versions ?? {})), given: said.inputs ?? null }
      const id = await startByHand(db, { job: job.id, lane: lane.id }, c.get('user'), chosen)
      return c.json(await runFor(c, db, { id }), 201)
    })
    .openapi(why, async (c) => {
      const { project, pipeline, job: jobName } = c.req.valid('param')
      const found = await thePipeline(db, project, pipeline)
      const lane = await theLane(db, found, c.req.valid('query').lane)
      const job = await theJob(db, found, jobName)
      return c.json(await whyNot(db, { job: job.id, lane: lane.id }), 200)
    })
    .openapi(explain, async (c) => c.json(await explainRun(db, c.req.valid('param').id), 200))
