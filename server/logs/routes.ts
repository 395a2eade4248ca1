import { createRoute, z } from '@hono/zod-openapi'
import { stream } from 'hono/streaming'
import type { Db } from '../db/connect.ts'
import { checked, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { WithRunId } from '../runs/routes.ts'
import { LogLines } from '../runs/shapes.ts'
import { logOf, readLines, wholeLog } from './read.ts'

/** PostgreSQL's `int`. */
const MOST_ATTEMPT = 2_147_483_647

const Page = z.object({
  from: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(5_000).default(1_000),
  attempt: z.coerce.number().int().min(1).max(MOST_ATTEMPT).optional().openapi({
    description: 'An attempt that was lost, counted from 1; without it the present one',
    type: 'integer',
  }),
  as: z.enum(['text', 'json']).optional().openapi({ description: 'Instead of an Accept header' }),
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

/** Described for the OpenAPI document but routed by hand: its answer has two content types, which typed routes do not know. */
export function logRoutes({ db }: { db: Db }) {
  const described = routes()
  described.openAPIRegistry.registerPath(read)
  return described.get('/runs/:id/log', async (c) => {
    const id = checked(WithRunId, c.req.param()).id
    const { from, limit, as, attempt } = checked(Page, c.req.query())
    const log = await logOf(db, id, attempt)
    if (!log)
      throw new Problem(
        'run-not-found',
        attempt === undefined ? `there is no run ${id}` : `there is no run ${id} with an attempt ${attempt}`,
      )
    const wantsJson = as ? as === 'json' : (c.req.header('accept') ?? '').includes('application/json')
    if (wantsJson) {
      const total = log.steps.reduce((sum, step) => sum + step.lines, 0)
      const lines = await readLines(db, id, { attempt: log.attempt, steps: log.steps, from, limit })
      return c.json({ from, total, ended: log.ended, lines })
    }
    c.header('content-type', 'text/plain; charset=utf-8')
    c.header('content-disposition', `inline; filename="run-${id}.log"`)
    return stream(c, async (out) => {
      for await (const piece of wholeLog(db, id, log.attempt)) await out.write(piece)
    })
  })
}
