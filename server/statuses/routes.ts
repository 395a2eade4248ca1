import { createRoute, z } from '@hono/zod-openapi'
import type { StatusId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { findDoors, findStatuses, retryStatus } from './find-statuses.ts'
import type { KnownForge } from './forges.ts'
import { Status, STATUS_STATES, StatusList } from './shapes.ts'

const whole = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)

const tags = ['Statuses']
const list = createRoute({
  method: 'get',
  path: '/statuses',
  tags,
  summary: 'What forges are told of commits, newest first: what arrived, what waits, what they refused',
  request: {
    query: z.object({
      project: z.string().max(100).optional(),
      sha: z
        .string()
        .regex(/^[0-9a-f]{4,64}$/)
        .optional()
        .openapi({ description: 'A commit, or what its hash begins with' }),
      state: z.enum(STATUS_STATES).optional(),
      after: whole.optional().openapi({ description: '`next` of the page before', type: 'integer' }),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: json(StatusList, 'A page of statuses') },
})
const retry = createRoute({
  method: 'post',
  path: '/statuses/{id}/retry',
  tags,
  summary: 'Send a status once more, now',
  request: {
    params: z.object({ id: whole.openapi({ param: { in: 'path', name: 'id' }, type: 'integer' }) }),
  },
  responses: { 202: json(Status, 'It will be sent') },
})

export const statusRoutes = ({ db, forges }: { db: Db; forges: readonly KnownForge[] }) =>
  routes()
    .openapi(list, async (c) => {
      const { after, limit, ...filter } = c.req.valid('query')
      const asked = { ...filter, limit, before: after as StatusId | undefined }
      const items = await findStatuses(db, asked, c.get('access'))
      const last = items.at(-1)
      const next = last && items.length === limit ? String(last.id) : null
      return c.json({ items, next, forges: await findDoors(db, forges, c.get('access')) }, 200)
    })
    .openapi(retry, async (c) => {
      const id = c.req.valid('param').id as StatusId
      await retryStatus(db, id, c.get('access'))
      const [status] = await findStatuses(db, { id, limit: 1 }, c.get('access'))
      if (!status) throw new Problem('status-not-found', `there is no status ${id} any more`)
      return c.json(status, 202)
    })
