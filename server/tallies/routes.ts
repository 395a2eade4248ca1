import { createRoute, z } from '@hono/zod-openapi'
import { sql } from 'kysely'
import { mayIn, organizationCalled } from '../access/grants.ts'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { theProjectPlace } from '../organizations/queries.ts'
import { readMetrics, type Whose } from './read.ts'
import { Metrics, RANGES } from './shapes.ts'

const tags = ['Metrics']
const name = z.string().max(100)
const query = z.object({
  range: z
    .enum(RANGES)
    .default('7d')
    .openapi({ description: 'By the hour for `24h`, else by the day of UTC' }),
})
const responses = { 200: json(Metrics, 'Counted as runs end') }

const all = createRoute({
  method: 'get',
  path: '/metrics',
  tags,
  summary: 'How runs fare in all projects that the asker sees: success, durations, waiting, lead time, slots',
  request: { query },
  responses,
})
const ofProject = createRoute({
  method: 'get',
  path: '/projects/{project}/metrics',
  tags,
  summary: 'How the runs of a project fare',
  request: { params: z.object({ project: name }), query },
  responses,
})
const ofOrganization = createRoute({
  method: 'get',
  path: '/organizations/{organization}/metrics',
  tags,
  summary: 'How runs fare in the projects of an organization that the asker sees',
  request: { params: z.object({ organization: name }), query },
  responses,
})

export const metricsRoutes = ({ db }: { db: Db }) => {
  const read = (whose: Whose, { range }: z.output<typeof query>) =>
    readMetrics(db, { whose, range, nowMs: Date.now() })
  return routes()
    .openapi(all, async (c) =>
      c.json(await read(mayIn(c.get('access'), 'viewer'), c.req.valid('query')), 200),
    )
    .openapi(ofProject, async (c) => {
      const { project } = await theProjectPlace(db, c.req.valid('param').project)
      const its = sql<boolean>`projects.id = ${project}`
      return c.json(await read(its, c.req.valid('query')), 200)
    })
    .openapi(ofOrganization, async (c) => {
      const id = await organizationCalled(db, c.req.valid('param').organization)
      const its = sql<boolean>`projects.organization_id = ${id} and ${mayIn(c.get('access'), 'viewer')}`
      return c.json(await read(its, c.req.valid('query')), 200)
    })
}
