import { randomUUID } from 'node:crypto'
import { createRoute, z } from '@hono/zod-openapi'
import { ENV_NAME, NAME } from '#pipelines/language/shape/scalars.ts'
import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import { definitionOf } from '../catalog/definitions.ts'
import { findProject, lockLane } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import type { LaneNow } from '../resources/commit.ts'
import { fieldsOfVersion } from '../resources/fields.ts'
import { editParams } from '../versions/edit-params.ts'
import { takeEvent } from '../versions/take-event.ts'

const name = z.string().max(100)
const edit = createRoute({
  method: 'put',
  path: '/projects/{project}/pipelines/{pipeline}/resources/{resource}/params',
  tags: ['Versions'],
  summary: 'Set values of a `params` resource: a new version, unless they are set so already',
  request: {
    params: z.object({ project: name, pipeline: name, resource: name }),
    body: body(
      z.object({
        lane: z
          .string()
          .max(500)
          .optional()
          .openapi({ description: 'The lane; without it the default branch’s' }),
        set: z
          .record(z.string().regex(ENV_NAME), z.string().max(20_000))
          .refine((set) => Object.keys(set).length > 0, { error: 'name at least one value' }),
      }),
    ),
  },
  responses: {
    200: json(
      z.object({ version: z.string(), fields: z.record(z.string(), z.string()) }).openapi('Params'),
      'The newest version',
    ),
  },
})
const event = createRoute({
  method: 'post',
  path: '/projects/{project}/events/{source}',
  tags: ['Versions'],
  summary:
    'Tell of something that happened: a version of every `event` resource that listens to this source and asks for it',
  request: {
    params: z.object({ project: name, source: z.string().regex(NAME) }),
    headers: z.object({
      'x-takt-delivery': z
        .string()
        .regex(/^[\w.:-]{1,100}$/)
        .optional()
        .openapi({ description: 'The sender’s own name for it: told twice, it counts once' }),
    }),
    body: body(z.record(z.string(), z.unknown())),
  },
  responses: {
    200: json(
      z
        .object({
          id: z.string(),
          versions: z.array(z.object({ pipeline: z.string(), resource: z.string() })),
        })
        .openapi('EventTaken'),
      'What became of it',
    ),
  },
})

type Where = { readonly project: string; readonly pipeline: string; readonly lane?: string | undefined }

/** What others tell us of by themselves: values that people set, and events. */
export const tellRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(edit, async (c) => {
      const { resource, ...at } = c.req.valid('param')
      const { lane, set } = c.req.valid('json')
      const made = await transact(db, async (tx) => {
        const here = await laneNow(tx, { ...at, lane })
        if (!here)
          throw new Problem(
            'lane-not-found',
            `there is no good file on the lane \`${lane ?? 'by default'}\` yet`,
          )
        return editParams(tx, here, { resource, set })
      })
      return c.json({ version: made.name, fields: { ...fieldsOfVersion(made) } }, 200)
    })
    .openapi(event, async (c) => {
      const { project, source } = c.req.valid('param')
      const found = await findProject(db, project)
      if (!found) throw new Problem('project-not-found', `there is no project \`${project}\``)
      const id = c.req.valid('header')['x-takt-delivery'] ?? randomUUID()
      const told = { source, id, body: c.req.valid('json') }
      const versions: { pipeline: string; resource: string }[] = []
      for (const pipeline of found.pipelines) {
        const taken = await transact(db, async (tx) => {
          const here = await laneNow(tx, { project, pipeline })
          return here ? takeEvent(tx, here, told) : []
        })
        versions.push(...taken.map((resource) => ({ pipeline, resource })))
      }
      return c.json({ id, versions }, 200)
    })

/** A lane with its row locked, and the file in force on it; without a name the default branch's. */
async function laneNow(tx: Tx, { project, pipeline, lane: wanted }: Where): Promise<LaneNow | null> {
  const found = await findProject(tx.db, project)
  if (!found) throw new Problem('project-not-found', `there is no project \`${project}\``)
  const lane = wanted ?? laneOfBranch(found.default_branch)
  const locked = await lockLane(tx.db, found.id, { pipeline, lane })
  const current = locked && (await definitionOf(tx.db, locked.id))
  if (!current) return null
  return {
    project,
    pipeline,
    lane,
    pipelineId: locked.pipeline_id,
    laneId: locked.id,
    definition: current.definition,
  }
}
