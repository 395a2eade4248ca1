import { createRoute, z } from '@hono/zod-openapi'
import { maintenanceOf } from '../catalog/maintenance.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { Decree } from '../lines/shapes.ts'
import { Problem } from '../problem.ts'
import { listRunners, runnerEvents } from './list-runners.ts'
import { toldOf } from './maintenance-routes.ts'
import { Runner, RunnerEventList, RunnerList } from './shapes.ts'
import { type Steering, steerRunner } from './steer.ts'

/** What the server says of itself that does not change while it runs. */
export type Standing = { readonly version: string; readonly demo: () => { clone: string } | null }

const Server = z
  .object({
    version: z.string(),
    url: z.string(),
    runners: z.array(Runner),
    maintenance: Decree.nullable().openapi({ description: 'Since when and why nothing begins' }),
    demo: z
      .object({ clone: z.string() })
      .nullable()
      .openapi({ description: 'The demo repository, where there is one' }),
  })
  .openapi('Server')

const get = createRoute({
  method: 'get',
  path: '/server',
  tags: ['Server'],
  summary: 'The server and its runners',
  responses: { 200: json(Server, 'As they stand') },
})

const tags = ['Runners']
const ByName = z.object({ name: z.string().max(100) })
const list = createRoute({
  method: 'get',
  path: '/runners',
  tags,
  summary: 'The runners that are here or were within a day',
  responses: { 200: json(RunnerList, 'By name') },
})
const events = createRoute({
  method: 'get',
  path: '/runners/{name}/events',
  tags,
  summary: 'What has happened to a runner: it came, grew, fell ill, was paused',
  request: {
    params: ByName,
    query: z.object({
      after: z.coerce.number().int().positive().optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: json(RunnerEventList, 'A page of them, newest first') },
})
const steering = <Act extends Steering>(act: Act, summary: string) =>
  createRoute({
    method: 'post',
    path: `/runners/{name}/${act}` as `/runners/{name}/${Act}`,
    tags,
    summary,
    request: {
      params: ByName,
      body: { ...body(z.object({ reason: z.string().max(1_000).optional() })), required: false },
    },
    responses: { 200: json(Runner, 'The runner as it stands then') },
  })

type Deps = { db: Db; publicUrl: () => string; standing: Standing }

/** @throws {Problem} `runner-not-found`. */
async function theRunner(db: Db, name: string) {
  const [runner] = await listRunners(db, name)
  if (!runner) throw new Problem('runner-not-found', `there is no runner \`${name}\``)
  return runner
}

export const serverRoutes = ({ db, publicUrl, standing }: Deps) => {
  const steer = async (name: string, wish: Parameters<typeof steerRunner>[2]) => {
    await steerRunner(db, name, wish)
    return theRunner(db, name)
  }
  const wish = (act: Steering, c: Asked) => ({
    act,
    by: c.get('user'),
    reason: (c.req.header('content-type') && c.req.valid('json').reason) || null,
  })
  return routes()
    .openapi(get, async (c) => {
      const runners = await listRunners(db)
      const maintenance = toldOf(await maintenanceOf(db))
      const { version } = standing
      return c.json({ version, url: publicUrl(), runners, maintenance, demo: standing.demo() }, 200)
    })
    .openapi(list, async (c) => c.json({ items: await listRunners(db), next: null }, 200))
    .openapi(events, async (c) => {
      const { name } = await theRunner(db, c.req.valid('param').name)
      const { after, limit } = c.req.valid('query')
      const items = await runnerEvents(db, name, { before: after, limit })
      const last = items.at(-1)
      return c.json({ items, next: last && items.length === limit ? String(last.id) : null }, 200)
    })
    .openapi(steering('pause', 'Give a runner no new work'), async (c) =>
      c.json(await steer(c.req.valid('param').name, wish('pause', c)), 200),
    )
    .openapi(steering('drain', 'Let a runner become empty, so that it can be stopped'), async (c) =>
      c.json(await steer(c.req.valid('param').name, wish('drain', c)), 200),
    )
    .openapi(steering('resume', 'Give a runner work again'), async (c) =>
      c.json(await steer(c.req.valid('param').name, wish('resume', c)), 200),
    )
    .openapi(steering('reset', 'Let a runner in trouble try its engine again at once'), async (c) =>
      c.json(await steer(c.req.valid('param').name, wish('reset', c)), 200),
    )
}

/** What of a request tells who wants something, and why. */
type Asked = {
  get(key: 'user'): Parameters<typeof steerRunner>[2]['by']
  req: { header(name: string): string | undefined; valid(target: 'json'): { reason?: string | undefined } }
}
