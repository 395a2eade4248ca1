import { createRoute, z } from '@hono/zod-openapi'
import { namesSeen } from '../access/grants.ts'
import { beginMaintenance, endMaintenance, type Maintenance, maintenanceOf } from '../catalog/maintenance.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { decree } from '../lines/decisions.ts'
import { Decree, Reason } from '../lines/shapes.ts'

export const ServerMaintenance = z
  .object({ maintenance: Decree.nullable().openapi({ description: 'Null while things may begin' }) })
  .openapi('Maintenance')

const tags = ['Server']
const now = { 200: json(ServerMaintenance, 'Whether there is any now') }
const get = createRoute({
  method: 'get',
  path: '/server/maintenance',
  tags,
  summary: 'Whether the whole server is in maintenance, since when and why',
  description: 'Whoever is not signed in is told where something is public, and not by whom.',
  responses: now,
})
const begin = createRoute({
  method: 'put',
  path: '/server/maintenance',
  tags,
  summary:
    'Let nothing begin, on any server, until the maintenance ends; what runs goes on, what comes is kept',
  request: { body: body(z.object({ reason: Reason })) },
  responses: now,
})
const end = createRoute({
  method: 'delete',
  path: '/server/maintenance',
  tags,
  summary: 'End the maintenance: what is queued begins',
  responses: now,
})

/** As people are told of it. */
export const toldOf = (it: Maintenance | null) => it && decree(it.by, it.reason, it.since)

export const maintenanceRoutes = ({ db }: { db: Db }) => {
  const shown = async () => ({ maintenance: toldOf(await maintenanceOf(db)) })
  return routes()
    .openapi(get, async (c) => {
      const now = await shown()
      if (c.get('user') !== undefined) return c.json(now, 200)
      const seen = await namesSeen(db, c.get('access'))
      const isTold = seen === null || seen.size > 0
      return c.json({ maintenance: isTold ? now.maintenance && { ...now.maintenance, by: null } : null }, 200)
    })
    .openapi(begin, async (c) => {
      await beginMaintenance(db, { by: c.get('user'), reason: c.req.valid('json').reason })
      return c.json(await shown(), 200)
    })
    .openapi(end, async (c) => {
      await endMaintenance(db)
      return c.json(await shown(), 200)
    })
}
