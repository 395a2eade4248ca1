import { createRoute, z } from '@hono/zod-openapi'
import type { Access } from '#pipelines/access/roles.ts'
import type { FiringId, ResourceId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { findFirings, findSchedules } from './find-schedules.ts'
import { fireNow, pauseSchedule, resumeSchedule } from './pause.ts'
import { FiringList, Schedule, ScheduleList } from './shapes.ts'
import { laneOfSchedule, type Place, theSchedule } from './the-schedule.ts'

const name = z.string().max(100)
const number = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)
const limit = z.coerce.number().int().min(1).max(100).default(50)
const params = z.object({ project: name, pipeline: name, schedule: name })
const PATH = '/projects/{project}/pipelines/{pipeline}/schedules/{schedule}'
const tags = ['Schedules']
const one = { 200: json(Schedule, 'The schedule as it stands then') }
const reason = z.string().trim().min(1, { error: 'say why: everybody who looks at it reads it' }).max(1_000)

const list = createRoute({
  method: 'get',
  path: '/schedules',
  tags,
  summary: 'Schedules: when they come next, and what became of the times that came',
  request: {
    query: z.object({
      project: name.optional(),
      after: number.optional().openapi({ description: '`next` of the page before', type: 'integer' }),
      limit,
    }),
  },
  responses: { 200: json(ScheduleList, 'A page of schedules') },
})
const get = createRoute({
  method: 'get',
  path: PATH,
  tags,
  summary: 'One schedule',
  request: { params },
  responses: one,
})
const firings = createRoute({
  method: 'get',
  path: `${PATH}/firings`,
  tags,
  summary: 'The times of a schedule that came, newest first; the last 200 are kept',
  request: {
    params,
    query: z.object({
      before: number.optional().openapi({ description: '`next` of the page before', type: 'integer' }),
      limit,
    }),
  },
  responses: { 200: json(FiringList, 'A page of them') },
})
const pause = createRoute({
  method: 'post',
  path: `${PATH}/pause`,
  tags,
  summary: 'Let no time of a schedule start anything until it goes on',
  request: { params, body: body(z.object({ reason })) },
  responses: one,
})
const resume = createRoute({
  method: 'post',
  path: `${PATH}/resume`,
  tags,
  summary: 'Let a paused schedule go on with the time that comes next',
  request: { params },
  responses: one,
})
const fire = createRoute({
  method: 'post',
  path: `${PATH}/fire`,
  tags,
  summary: 'Let a time of a schedule come now, whatever still runs',
  request: { params },
  responses: one,
})

/** When things come by the clock, and what became of it. */
export const scheduleRoutes = ({ db }: { db: Db }) => {
  const view = async (place: Place, access: Access) => {
    const [found] = (await findSchedules(db, { resource: place.resource, limit: 1 }, access)).items
    if (!found) throw new Problem('schedule-not-found', `\`${place.name}\` is in force no more`)
    return found
  }
  return routes()
    .openapi(list, async (c) => {
      const { after, ...asked } = c.req.valid('query')
      const filter = { ...asked, after: after as ResourceId | undefined }
      const { items, last } = await findSchedules(db, filter, c.get('access'))
      return c.json({ items, next: last === null ? null : String(last) }, 200)
    })
    .openapi(get, async (c) =>
      c.json(await view(await theSchedule(db, c.req.valid('param')), c.get('access')), 200),
    )
    .openapi(firings, async (c) => {
      const { before, limit: most } = c.req.valid('query')
      const { resource } = await theSchedule(db, c.req.valid('param'))
      const items = await findFirings(db, { resource, before: before as FiringId | undefined, limit: most })
      const last = items.at(-1)
      return c.json({ items, next: last && items.length === most ? String(last.id) : null }, 200)
    })
    .openapi(pause, async (c) => {
      const place = await theSchedule(db, c.req.valid('param'))
      await pauseSchedule(db, place, { by: c.get('user'), reason: c.req.valid('json').reason })
      return c.json(await view(place, c.get('access')), 200)
    })
    .openapi(resume, async (c) => {
      const place = await theSchedule(db, c.req.valid('param'))
      await resumeSchedule(db, place)
      return c.json(await view(place, c.get('access')), 200)
    })
    .openapi(fire, async (c) => {
      const place = await theSchedule(db, c.req.valid('param'))
      await fireNow(db, place, { by: c.get('user'), laneNow: (trx) => laneOfSchedule(trx, place) })
      return c.json(await view(place, c.get('access')), 200)
    })
}
