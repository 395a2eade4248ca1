import { createRoute, z } from '@hono/zod-openapi'
import type { Access, Role } from '#pipelines/access/roles.ts'
import type { RunId } from '#pipelines/ids.ts'
import { MOST_REF_BYTES } from '#pipelines/refs.ts'
import { RUN_STATES } from '#pipelines/states.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { cancelRun } from './ask.ts'
import { findRun } from './find-run.ts'
import { followedRuns, followersOfRun } from './heard-ends.ts'
import { listRuns } from './queries.ts'
import { Run, RunList } from './shapes.ts'

export const WithRunId = z.object({
  id: z.coerce
    .number()
    .int()
    .positive()
    .max(Number.MAX_SAFE_INTEGER)
    .transform((id) => id as RunId)
    .openapi({ param: { in: 'path', name: 'id' }, type: 'integer' }),
})
const word = z.string().max(MOST_REF_BYTES).optional()
const Filter = z.object({
  project: word,
  pipeline: word,
  job: word,
  lane: word,
  state: z.enum(RUN_STATES).optional(),
  version: word.openapi({ description: 'A version’s name: the full commit hash of a git resource' }),
  after: z.coerce
    .number()
    .int()
    .positive()
    .optional()
    .openapi({ description: '`next` of the page before', type: 'integer' }),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})

const AtAttempt = z.object({
  attempt: z.coerce.number().int().min(1).max(1_000).optional().openapi({
    description: 'Show the steps of an attempt that was lost, counted from 1; without it the present one’s',
    type: 'integer',
  }),
})

const tags = ['Runs']
const list = createRoute({
  method: 'get',
  path: '/runs',
  tags,
  summary: 'Runs, newest first',
  request: { query: Filter },
  responses: { 200: json(RunList, 'A page of runs') },
})
const get = createRoute({
  method: 'get',
  path: '/runs/{id}',
  tags,
  summary: 'One run with its steps',
  request: { params: WithRunId, query: AtAttempt },
  responses: { 200: json(Run, 'The run') },
})
const cancel = createRoute({
  method: 'post',
  path: '/runs/{id}/cancel',
  tags,
  summary: 'Ask for a run to end',
  request: {
    params: WithRunId,
    body: { ...body(z.object({ reason: z.string().max(1_000).optional() })), required: false },
  },
  responses: { 200: json(Run, 'The run; a running one is `cancelled` when its runner has stopped it') },
})

/** @throws {Problem} `run-not-found`. */
export async function theRun(db: Db, id: RunId, attempt?: number) {
  const run = await findRun(db, id, attempt)
  if (!run) throw new Problem('run-not-found', `there is no run ${id}`)
  return run
}

/** A run as it is shown to whoever asks. @throws {Problem} `run-not-found`. */
export const runFor = async (
  c: { get: ((key: 'role') => Role) & ((key: 'access') => Access) },
  db: Db,
  { id, attempt }: { id: RunId; attempt?: number | undefined },
) => ({
  ...(await theRun(db, id, attempt)),
  follows: await followedRuns(db, id, c.get('access')),
  followers: await followersOfRun(db, id, c.get('access')),
  role: c.get('role'),
})

export const runRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(list, async (c) => {
      const { after, limit, ...filter } = c.req.valid('query')
      const items = await listRuns(db, {
        ...filter,
        access: c.get('access'),
        before: after as RunId | undefined,
        limit,
      })
      const last = items.at(-1)
      return c.json({ items, next: last && items.length === limit ? String(last.id) : null }, 200)
    })
    .openapi(get, async (c) =>
      c.json(await runFor(c, db, { ...c.req.valid('param'), ...c.req.valid('query') }), 200),
    )
    .openapi(cancel, async (c) => {
      const { id } = c.req.valid('param')
      const said = c.req.header('content-type') ? c.req.valid('json').reason : undefined
      await cancelRun(db, id, said || `cancelled by ${c.get('user').name}`)
      return c.json(await runFor(c, db, { id }), 200)
    })
