import { createRoute, z } from '@hono/zod-openapi'
import { MOST_REF_BYTES } from '#pipelines/refs.ts'
import { findProject } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { LEAST_LETTERS } from './find-versions.ts'
import { listVersions } from './list-versions.ts'
import { Trace, VersionList } from './shapes.ts'
import { homeLane, theLane, thePipeline, theResource } from './the-place.ts'
import { traceVersion } from './trace.ts'

const name = z.string().max(100)
const tags = ['Versions']
const list = createRoute({
  method: 'get',
  path: '/projects/{project}/pipelines/{pipeline}/resources/{resource}/versions',
  tags,
  summary: 'The versions that a resource had on a lane, newest first',
  request: {
    params: z.object({ project: name, pipeline: name, resource: name }),
    query: z.object({
      lane: z
        .string()
        .max(MOST_REF_BYTES)
        .optional()
        .openapi({ description: 'The lane; without it the default branch’s' }),
      after: z.coerce
        .number()
        .int()
        .optional()
        .openapi({ description: '`next` of the page before', type: 'integer' }),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: json(VersionList, 'A page of versions') },
})
const trace = createRoute({
  method: 'get',
  path: '/projects/{project}/trace',
  tags,
  summary: 'How far a commit got: jobs, what came of it, and the environments that have it',
  request: {
    params: z.object({ project: name }),
    query: z.object({
      version: z
        .string()
        .min(LEAST_LETTERS)
        .max(MOST_REF_BYTES)
        .openapi({ description: 'A version’s name, or a beginning that no other version has' }),
    }),
  },
  responses: { 200: json(Trace, 'Where it is') },
})

export const versionRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(list, async (c) => {
      const { project, pipeline, resource } = c.req.valid('param')
      const { lane: wanted, after, limit } = c.req.valid('query')
      const found = await thePipeline(db, project, pipeline)
      const row = await theResource(db, found, resource)
      const lane = await theLane(db, found, wanted)
      const home = await homeLane(db, { pipeline: found, lane: lane.id, resource })
      const page = { resource: row.id, home, lane: lane.id, before: after, limit }
      const items = await listVersions(db, page)
      const last = items.at(-1)
      const next = last && items.length === limit ? String(last.seq) : null
      return c.json({ resource, lane: lane.name, items, next }, 200)
    })
    .openapi(trace, async (c) => {
      const { project } = c.req.valid('param')
      const found = await findProject(db, project)
      if (!found) throw new Problem('project-not-found', `there is no project \`${project}\``)
      return c.json(await traceVersion(db, found.id, c.req.valid('query').version), 200)
    })
