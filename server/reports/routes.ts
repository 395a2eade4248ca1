import { createRoute, z } from '@hono/zod-openapi'
import { TEST_STATES } from '#pipelines/reports/junit.ts'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { theJob, thePipeline } from '../lines/the-place.ts'
import { theRun, WithRunId } from '../runs/routes.ts'
import { coverageOfRun } from './coverage-of-run.ts'
import { Coverage, JobTests, TestResults } from './shapes.ts'
import { testsOfJob } from './tests-of-job.ts'
import { testsOfRun } from './tests-of-run.ts'

const tags = ['Reports']
const name = z.string().max(100)
const limit = z.coerce.number().int().min(1).max(500).default(100)

const tests = createRoute({
  method: 'get',
  path: '/runs/{id}/tests',
  tags,
  summary: 'How the tests of a run came out: new failures first, then all others, then what is flaky',
  request: {
    params: WithRunId,
    query: z.object({
      state: z.enum(TEST_STATES).optional(),
      sort: z.enum(['attention', 'slowest']).default('attention'),
      after: z
        .string()
        .regex(/^\d{1,2}-\d{1,15}$/)
        .optional(),
      limit,
    }),
  },
  responses: { 200: json(TestResults, 'A page of results; `slowest` has one page only') },
})
const coverage = createRoute({
  method: 'get',
  path: '/runs/{id}/coverage',
  tags,
  summary: 'How much of the code a run’s tests went through',
  request: { params: WithRunId, query: z.object({ after: z.string().max(500).default(''), limit }) },
  responses: { 200: json(Coverage, 'A page of files') },
})
const ofJob = createRoute({
  method: 'get',
  path: '/projects/{project}/pipelines/{pipeline}/jobs/{job}/tests',
  tags,
  summary: 'A job’s tests over its newest runs',
  request: {
    params: z.object({ project: name, pipeline: name, job: name }),
    query: z.object({ sort: z.enum(['slowest', 'flaky', 'failing']).default('failing'), limit }),
  },
  responses: { 200: json(JobTests, 'In the order that was asked for') },
})

export const reportRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(tests, async (c) => {
      const { id } = c.req.valid('param')
      await theRun(db, id)
      const { state, sort, after, limit: most } = c.req.valid('query')
      const [rank, test] = (after ?? '').split('-').map(Number)
      const cursor = rank === undefined || test === undefined ? null : { rank, test }
      return c.json(await testsOfRun(db, id, { state, sort, after: cursor, limit: most }), 200)
    })
    .openapi(coverage, async (c) => {
      const { id } = c.req.valid('param')
      await theRun(db, id)
      return c.json(await coverageOfRun(db, id, c.req.valid('query')), 200)
    })
    .openapi(ofJob, async (c) => {
      const { project, pipeline, job } = c.req.valid('param')
      const { id } = await theJob(db, await thePipeline(db, project, pipeline), job)
      return c.json(await testsOfJob(db, id, c.req.valid('query')), 200)
    })
