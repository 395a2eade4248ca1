import { createRoute, z } from '@hono/zod-openapi'
import { stream } from 'hono/streaming'
import type { Db } from '../db/connect.ts'
import { checked, json, routes } from '../http/kit.ts'
import type { RunId } from '#pipelines/ids.ts'
import { Problem } from '../problem.ts'
import { WithRunId } from '../runs/routes.ts'
import { LogLines, LogSearch } from '../runs/shapes.ts'
import { logOf, readLines, wholeLog } from './read.ts'
import { searchLog } from './search.ts'

/** PostgreSQL's `int`. */
const MOST_ATTEMPT = 2_147_483_647

const anAttempt = z.coerce.number().int().min(1).max(MOST_ATTEMPT).optional().openapi({
  description: 'An attempt that was lost, counted from 1; without it the present one',
  type: 'integer',
})
const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((word) => word === 'true')

const Page = z.object({
  from: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(5_000).default(1_000),
  attempt: anAttempt,
  step: z.coerce.number().int().min(0).max(MOST_ATTEMPT).optional().openapi({
    description: 'Only the lines of this step, counted from its first',
    type: 'integer',
  }),
  as: z.enum(['text', 'json']).optional().openapi({ description: 'Instead of an Accept header' }),
})

const Search = z.object({
  q: z.string().min(1).max(500),
  regex: flag.openapi({
    description: '`q` is a regular expression, as JavaScript has them',
    type: 'boolean',
  }),
  exact: flag.openapi({ description: 'Capital letters and small ones are not the same', type: 'boolean' }),
  attempt: anAttempt,
})

const read = createRoute({
  method: 'get',
  path: '/runs/{id}/log',
  tags: ['Runs'],
  summary: 'A run’s log: whole as text, or by lines as JSON',
  request: { params: WithRunId, query: Page },
  responses: {
    200: {
      description: 'Every byte of the attempt as it stands, or the lines asked for',
      content: { 'text/plain': { schema: z.string() }, 'application/json': { schema: LogLines } },
    },
  },
})
const search = createRoute({
  method: 'get',
  path: '/runs/{id}/log/search',
  tags: ['Runs'],
  summary: 'The lines of a run’s log that have something',
  request: { params: WithRunId, query: Search },
  responses: { 200: json(LogSearch, 'Where it stands') },
})

export function logRoutes({ db }: { db: Db }) {
  const described = routes().openapi(search, async (c) => {
    const { q, regex, exact, attempt } = c.req.valid('query')
    const { id } = c.req.valid('param')
    const log = await theLog(db, id, attempt)
    const wanted = { words: q, isPattern: regex, isExact: exact }
    const found = await searchLog(db, id, { attempt: log.attempt, wanted, quit: c.req.raw.signal })
    return c.json({ attempt: log.attempt, ...found }, 200)
  })
  // Described for the OpenAPI document but routed by hand: its answer has two content types, which typed routes do not know.
  described.openAPIRegistry.registerPath(read)
  return described.get('/runs/:id/log', async (c) => {
    const id = checked(WithRunId, c.req.param()).id
    const { from, limit, as, attempt, step } = checked(Page, c.req.query())
    const log = await theLog(db, id, attempt)
    const wantsJson = as ? as === 'json' : (c.req.header('accept') ?? '').includes('application/json')
    if (wantsJson) {
      const steps = step === undefined ? log.steps : log.steps.filter((each) => each.step === step)
      const total = steps.reduce((sum, { lines }) => sum + lines, 0)
      const lines = await readLines(db, id, { steps, from, limit })
      return c.json({ attempt: log.attempt, from, total, ended: log.ended, lines })
    }
    c.header('content-type', 'text/plain; charset=utf-8')
    c.header('content-disposition', `inline; filename="run-${id}.log"`)
    return stream(c, async (out) => {
      for await (const piece of wholeLog(db, id, log.attempt)) await out.write(piece)
    })
  })
}

/** @throws {Problem} `run-not-found`. */
async function theLog(db: Db, id: RunId, attempt: number | undefined) {
  const log = await logOf(db, id, attempt)
  if (log) return log
  throw new Problem(
    'run-not-found',
    attempt === undefined ? `there is no run ${id}` : `there is no run ${id} with an attempt ${attempt}`,
  )
}
