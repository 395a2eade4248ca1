import { createRoute, z } from '@hono/zod-openapi'
import { sql } from 'kysely'
import { mayIn } from '../access/grants.ts'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { runFor, WithRunId } from '../runs/routes.ts'
import { Run } from '../runs/shapes.ts'
import { askForEnd } from './holds.ts'

const time = z.string().openapi({ format: 'date-time' })
const Terminal = z
  .object({
    id: z.number().int(),
    user: z.string(),
    command: z.array(z.string()).openapi({ description: 'Empty: a shell' }),
    opened_at: time,
    closed_at: time.nullable(),
    exit_code: z.number().int().nullable(),
    reason: z
      .string()
      .nullable()
      .openapi({ description: 'Why it closed, where its program did not end by itself' }),
  })
  .openapi('Terminal')
const Hold = z
  .object({ run: z.number().int(), project: z.string(), pipeline: z.string(), job: z.string(), until: time })
  .openapi('Hold')
const page = <S extends z.ZodType>(item: S) => z.object({ items: z.array(item), next: z.null() })

const tags = ['Terminals']
const ofRun = createRoute({
  method: 'get',
  path: '/runs/{id}/terminals',
  tags,
  summary: 'The terminals that were opened in a run, newest first',
  description: 'A terminal itself is opened over a WebSocket at `/terminal`, as `takt exec` does.',
  request: { params: WithRunId },
  responses: { 200: json(page(Terminal), 'At most the newest 100') },
})
const held = createRoute({
  method: 'get',
  path: '/holds',
  tags,
  summary: 'Failed runs whose containers are kept for people to look around in',
  responses: { 200: json(page(Hold), 'Those that end next first') },
})
const end = createRoute({
  method: 'post',
  path: '/runs/{id}/hold/end',
  tags,
  summary: 'Let a kept container go',
  request: { params: WithRunId },
  responses: { 200: json(Run, 'The run') },
})

export const terminalRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(ofRun, async (c) => {
      const rows = await db
        .selectFrom('terminals')
        .innerJoin('users', 'users.id', 'terminals.user_id')
        .selectAll('terminals')
        .select('users.name as user')
        .where('run_id', '=', c.req.valid('param').id)
        .orderBy('terminals.id', 'desc')
        .limit(100)
        .execute()
      const items = rows.map(({ id, user, command, opened_at, closed_at, exit_code, reason }) => ({
        ...{ id, user, command, exit_code, reason },
        opened_at: opened_at.toISOString(),
        closed_at: closed_at?.toISOString() ?? null,
      }))
      return c.json({ items, next: null }, 200)
    })
    .openapi(held, async (c) => {
      const rows = await db
        .selectFrom('run_holds')
        .innerJoin('runs', 'runs.id', 'run_holds.run_id')
        .innerJoin('jobs', 'jobs.id', 'runs.job_id')
        .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
        .innerJoin('projects', 'projects.id', 'pipelines.project_id')
        .select(['run_holds.run_id as run', 'projects.name as project', 'pipelines.name as pipeline'])
        .select(['jobs.name as job', 'run_holds.until'])
        .where('until', '>', sql<Date>`now()`)
        .where(mayIn(c.get('access'), 'viewer'))
        .orderBy('until')
        .limit(200)
        .execute()
      return c.json(
        { items: rows.map((row) => ({ ...row, until: row.until.toISOString() })), next: null },
        200,
      )
    })
    .openapi(end, async (c) => {
      const { id } = c.req.valid('param')
      await askForEnd(db, id)
      return c.json(await runFor(c, db, { id }), 200)
    })
