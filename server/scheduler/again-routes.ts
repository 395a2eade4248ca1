import { createRoute, z } from '@hono/zod-openapi'
import { MOST_REF_BYTES } from '#pipelines/refs.ts'
import type { RunId } from '#pipelines/ids.ts'
import { parseDuration } from '#pipelines/language/duration.ts'
import { MOST_HOLD_MS } from '#pipelines/wire/terminal.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { theLane, thePipeline, theVersions } from '../lines/the-place.ts'
import { summariesOf } from '../runs/queries.ts'
import { rerunAround, rerunFailed } from '../runs/rerun-failed.ts'
import { restoreRun } from '../runs/restore.ts'
import { retryRun } from '../runs/retry.ts'
import { runFor, WithRunId } from '../runs/routes.ts'
import { Run } from '../runs/shapes.ts'
import { RunItems } from './shapes.ts'
import { runWithNewest } from './start-by-hand.ts'

const name = z.string().max(100)
const Retry = z.object({
  with: z
    .enum(['same', 'newest'])
    .default('same')
    .openapi({ description: 'The very versions of the run, or the newest that its needs agree on now' }),
  hold: z
    .string()
    .max(20)
    .transform((text, context) => {
      const holdMs = parseDuration(text)
      if (holdMs !== null && holdMs > 0 && holdMs <= MOST_HOLD_MS) return holdMs
      context.addIssue({
        code: 'custom',
        message: `write a duration of at most ${MOST_HOLD_MS / 3_600_000}h, such as \`30m\``,
      })
      return z.NEVER
    })
    .optional()
    .openapi({
      type: 'string',
      description:
        'If it fails, keep its container for so long (`30m`), for people to look around in with a terminal',
    }),
})
const retry = createRoute({
  method: 'post',
  path: '/runs/{id}/retry',
  tags: ['Runs'],
  summary: 'Run the same job again: with exactly the same inputs, or with the newest',
  request: { params: WithRunId, body: { ...body(Retry), required: false } },
  responses: { 201: json(Run, 'The new run') },
})
const Restore = z.object({
  checkpoint: z.string().min(1).max(1_000).openapi({ description: 'The name that the job’s step gives it' }),
})
const restore = createRoute({
  method: 'post',
  path: '/runs/{id}/restore',
  tags: ['Runs'],
  summary: 'Run the same job again from a checkpoint that the run left, with the files that it had there',
  request: { params: WithRunId, body: body(Restore) },
  responses: { 201: json(Run, 'The new run') },
})
const Rerun = z.object({
  lane: z.string().max(MOST_REF_BYTES),
  version: z
    .string()
    .min(1)
    .max(MOST_REF_BYTES)
    .openapi({ description: 'The version’s name, or a beginning that no other one has' }),
})
const rerun = createRoute({
  method: 'post',
  path: '/projects/{project}/pipelines/{pipeline}/rerun',
  tags: ['Runs'],
  summary: 'Run again what stopped a version on its way down a lane',
  request: { params: z.object({ project: name, pipeline: name }), body: body(Rerun) },
  responses: { 201: json(RunItems, 'The new runs, in the order of the line; none where nothing stopped it') },
})
const rerunRun = createRoute({
  method: 'post',
  path: '/runs/{id}/rerun',
  tags: ['Runs'],
  summary: 'Run again what stopped around a run: every job and leg of its line that failed with its versions',
  request: { params: WithRunId },
  responses: { 201: json(RunItems, 'The new runs, in the order of the line; none where nothing stopped') },
})

export const againRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(retry, async (c) => {
      const { id } = c.req.valid('param')
      const said = c.req.header('content-type') ? c.req.valid('json') : { with: 'same', hold: undefined }
      const again = said.with === 'newest' ? runWithNewest : retryRun
      const wish = { ...c.get('user'), holdMs: said.hold ?? 0 }
      return c.json(await runFor(c, db, { id: await again(db, id, wish) }), 201)
    })
    .openapi(restore, async (c) => {
      const { checkpoint } = c.req.valid('json')
      const from = await restoreRun(db, c.req.valid('param').id, { checkpoint, by: c.get('user') })
      return c.json(await runFor(c, db, { id: from }), 201)
    })
    .openapi(rerun, async (c) => {
      const { project, pipeline } = c.req.valid('param')
      const said = c.req.valid('json')
      const found = await thePipeline(db, project, pipeline)
      const lane = await theLane(db, found, said.lane)
      const versions = await theVersions(db, { resource: null, lane: lane.id, name: said.version })
      const again: RunId[] = []
      for (const version of versions)
        again.push(...(await rerunFailed(db, { pipeline: found.id, lane: lane.id, version }, c.get('user'))))
      return c.json({ items: await inOrder(db, again), next: null }, 201)
    })
    .openapi(rerunRun, async (c) => {
      const again = await rerunAround(db, c.req.valid('param').id, c.get('user'))
      return c.json({ items: await inOrder(db, again), next: null }, 201)
    })

const inOrder = async (db: Db, ids: readonly RunId[]) =>
  (await summariesOf(db, ids)).toSorted((a, b) => ids.indexOf(a.id as RunId) - ids.indexOf(b.id as RunId))
