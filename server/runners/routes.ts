import { createRoute, z } from '@hono/zod-openapi'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { listRunners } from './queries.ts'

/** What the server says of itself that does not change while it runs. */
export type Standing = { readonly version: string; readonly demo: () => { clone: string } | null }

const Runner = z
  .object({
    id: z.number().int(),
    name: z.string(),
    engine: z.string(),
    isolated: z.boolean(),
    words: z.string().openapi({ description: 'The engine in words' }),
    slots: z.number().int(),
    busy: z.number().int(),
    connected: z.boolean(),
  })
  .openapi('Runner')
const Server = z
  .object({
    version: z.string(),
    url: z.string(),
    runners: z.array(Runner),
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

type Deps = { db: Db; publicUrl: () => string; standing: Standing }

export const serverRoutes = ({ db, publicUrl, standing }: Deps) =>
  routes().openapi(get, async (c) => {
    const runners = (await listRunners(db)).map(({ busy, ...runner }) => ({ ...runner, busy: busy ?? 0 }))
    return c.json({ version: standing.version, url: publicUrl(), runners, demo: standing.demo() }, 200)
  })
