import { createRoute, z } from '@hono/zod-openapi'
import { pause, resume } from '../catalog/pause.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { pauseOf } from '../lines/decisions.ts'
import { Reason, ResourcePause } from '../lines/shapes.ts'
import { thePipeline, theResource } from '../lines/the-place.ts'
import { pauseSchedule, resumeSchedule } from '../schedules/pause.ts'
import { theSchedule } from '../schedules/the-schedule.ts'

const name = z.string().max(100)
const params = z.object({ project: name, pipeline: name, resource: name })
const PATH = '/projects/{project}/pipelines/{pipeline}/resources/{resource}'
const going = { 200: json(ResourcePause, 'Whether it is paused now') }

const stop = createRoute({
  method: 'post',
  path: `${PATH}/pause`,
  tags: ['Versions'],
  summary:
    'Look for no new versions of a resource; those that come by themselves are recorded and start nothing',
  request: { params, body: body(z.object({ reason: Reason })) },
  responses: going,
})
const goOn = createRoute({
  method: 'post',
  path: `${PATH}/resume`,
  tags: ['Versions'],
  summary: 'Look for versions of a paused resource again; jobs look at what came meanwhile',
  request: { params },
  responses: going,
})

/** A schedule is a resource, too: pausing it is one thing, however it is asked for. */
export const resourcePauseRoutes = ({ db }: { db: Db }) => {
  const resourceAt = async ({ project, pipeline, resource }: z.output<typeof params>) => {
    const row = await theResource(db, await thePipeline(db, project, pipeline), resource)
    const schedule =
      row.kind === 'time' ? await theSchedule(db, { project, pipeline, schedule: resource }) : null
    return { what: { of: 'resource' as const, id: row.id, name: row.name }, schedule }
  }
  return routes()
    .openapi(stop, async (c) => {
      const { what, schedule } = await resourceAt(c.req.valid('param'))
      const said = { by: c.get('user'), reason: c.req.valid('json').reason }
      await (schedule ? pauseSchedule(db, schedule, said) : pause(db, what, said))
      return c.json({ resource: what.name, paused: await pauseOf(db, what) }, 200)
    })
    .openapi(goOn, async (c) => {
      const { what, schedule } = await resourceAt(c.req.valid('param'))
      await (schedule ? resumeSchedule(db, schedule) : resume(db, what, c.get('user')))
      return c.json({ resource: what.name, paused: await pauseOf(db, what) }, 200)
    })
}
