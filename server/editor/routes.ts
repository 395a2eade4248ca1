import { createRoute, z } from '@hono/zod-openapi'
import { NAME } from '#pipelines/language/schema.ts'
import { pipelineJsonSchema } from '#pipelines/language/json-schema.ts'
import { theProject } from '../catalog/routes.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { findPipeline, laneOf } from '../lines/queries.ts'
import { theLane, thePipeline } from '../lines/the-place.ts'
import { Problem } from '../problem.ts'
import { commitPipeline } from './commit-pipeline.ts'
import { readFile } from './read-file.ts'
import { rehearseFile } from './rehearse-file.ts'
import { Committed, FileView, lane, name, NewFile, Rehearsal, Rehearse } from './shapes.ts'

const PIPELINE = '/projects/{project}/pipelines/{pipeline}'
const tags = ['Pipelines']
const params = z.object({ project: name, pipeline: name })
const schema = createRoute({
  method: 'get',
  path: '/pipeline-schema',
  tags,
  summary: 'The pipeline language as JSON Schema, for editors',
  responses: { 200: json(z.record(z.string(), z.unknown()), 'Draft 2020-12') },
})
const view = createRoute({
  method: 'get',
  path: `${PIPELINE}/file`,
  tags,
  summary: 'A pipeline’s file on a lane',
  request: {
    params,
    query: z.object({
      lane: lane.optional().openapi({ description: 'The lane; without it the default branch’s' }),
    }),
  },
  responses: { 200: json(FileView, 'The file, and where it was read') },
})
const rehearse = createRoute({
  method: 'post',
  path: `${PIPELINE}/rehearse`,
  tags,
  summary: 'Check a file, draw its line, and tell what a past commit would start by it; nothing is changed',
  request: { params, body: body(Rehearse) },
  responses: { 200: json(Rehearsal, 'What would be') },
})
const commit = createRoute({
  method: 'post',
  path: `${PIPELINE}/file`,
  tags,
  summary: 'Commit a pipeline’s file to a repository that Takt hosts',
  description: 'A branch that does not exist yet begins with this commit.',
  request: { params, body: body(NewFile) },
  responses: { 201: json(Committed, 'The commit, which starts what a push of it would start') },
})

type Deps = { readonly db: Db; readonly dataDir: string }

/** What the dashboard's editor asks for. */
export const editorRoutes = ({ db, dataDir }: Deps) => {
  let language: Record<string, unknown> | null = null
  return routes()
    .openapi(schema, (c) => c.json((language ??= { ...pipelineJsonSchema() }), 200))
    .openapi(view, async (c) => {
      const asked = c.req.valid('param')
      const wanted = c.req.valid('query').lane
      const project = await theProject(db, asked.project)
      const pipeline = await thePipeline(db, asked.project, asked.pipeline)
      const found = await theLane(db, pipeline, wanted)
      return c.json(await readFile(db, dataDir, { project, pipeline, lane: found, role: c.get('role') }), 200)
    })
    .openapi(rehearse, async (c) => {
      const asked = c.req.valid('param')
      const { text, lane: wanted, version } = c.req.valid('json')
      const project = await theProject(db, asked.project)
      const pipeline = await findPipeline(db, asked.project, asked.pipeline)
      const found = pipeline && (await laneOf(db, pipeline.id, wanted))
      const at = found ? { pipeline, lane: found } : null
      return c.json(await rehearseFile(db, dataDir, { project, at, lane: wanted, text, version }), 200)
    })
    .openapi(commit, async (c) => {
      const asked = c.req.valid('param')
      if (!NAME.test(asked.pipeline))
        throw new Problem(
          'pipeline-not-found',
          `\`${asked.pipeline}\` cannot be a pipeline: a name has 1 to 100 characters out of a-z, 0-9 and -`,
        )
      const project = await theProject(db, asked.project)
      const known = await findPipeline(db, asked.project, asked.pipeline)
      const path = known?.path ?? (asked.pipeline === 'main' ? '.takt.yml' : `.takt/${asked.pipeline}.yml`)
      const change = { ...c.req.valid('json'), project, path, by: c.get('user') }
      return c.json(await commitPipeline(c, { db, dataDir }, change), 201)
    })
}
