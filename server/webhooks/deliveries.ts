import { createRoute, z } from '@hono/zod-openapi'
import { sql } from 'kysely'
import type { Access } from '#pipelines/access/roles.ts'
import type { DeliveryId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { json, routes } from '../http/kit.ts'
import { DeliveryDetail, DeliveryList, SOURCES, STATES } from './delivery-shapes.ts'
import { findDeliveries, maySee, noSuch, payloadOf, removed, theDelivery } from './find-deliveries.ts'

const whole = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)
const WithId = z.object({ id: whole.openapi({ param: { in: 'path', name: 'id' }, type: 'integer' }) })

const tags = ['Deliveries']
const list = createRoute({
  method: 'get',
  path: '/deliveries',
  tags,
  summary: 'What arrived and what became of it, newest first',
  request: {
    query: z.object({
      project: z.string().max(100).optional(),
      source: z.enum(SOURCES).optional(),
      event: z.string().max(200).optional(),
      state: z.enum(STATES).optional(),
      after: whole.optional().openapi({ description: '`next` of the page before', type: 'integer' }),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: json(DeliveryList, 'A page of deliveries') },
})
const get = createRoute({
  method: 'get',
  path: '/deliveries/{id}',
  tags,
  summary: 'One delivery: payload, headers, and the versions and runs that came of it',
  request: { params: WithId },
  responses: { 200: json(DeliveryDetail, 'The delivery') },
})
const payload = createRoute({
  method: 'get',
  path: '/deliveries/{id}/payload',
  tags,
  summary: 'The body of a delivery, byte by byte as it came',
  request: { params: WithId },
  responses: {
    200: {
      description: 'As a file',
      content: { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
    },
  },
})
const replay = createRoute({
  method: 'post',
  path: '/deliveries/{id}/replay',
  tags,
  summary: 'Look at a delivery once more',
  request: { params: WithId },
  responses: { 202: json(z.object({ delivery: z.number().int() }), 'It will be looked at') },
})

export const deliveryRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(list, async (c) => {
      const { after, ...wanted } = c.req.valid('query')
      const before = after as DeliveryId | undefined
      const items = await findDeliveries(db, c.get('access'), { ...wanted, before })
      const last = items.at(-1)
      return c.json({ items, next: last && items.length === wanted.limit ? String(last.id) : null }, 200)
    })
    .openapi(get, async (c) =>
      c.json(await theDelivery(db, c.get('access'), c.req.valid('param').id as DeliveryId), 200),
    )
    .openapi(payload, async (c) => {
      const { id } = c.req.valid('param')
      const body = await payloadOf(db, c.get('access'), id as DeliveryId)
      // Never shown by a browser as what it says it is: anybody may have written it.
      return c.body(new Uint8Array(body), 200, {
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename="delivery-${id}.json"`,
      })
    })
    .openapi(replay, async (c) => {
      const id = c.req.valid('param').id as DeliveryId
      await replayDelivery(db, c.get('access'), id)
      return c.json({ delivery: id }, 202)
    })

async function replayDelivery(db: Db, access: Access, id: DeliveryId): Promise<void> {
  await transact(db, async (tx) => {
    const was = await tx.db
      .selectFrom('deliveries')
      .select(['state', 'reason', 'removed_at'])
      .where('id', '=', id)
      .where(maySee(access))
      .forUpdate()
      .executeTakeFirst()
    if (!was) throw noSuch(id)
    const { removed_at, ...before } = was
    audited({ before, target: `delivery ${id}` })
    if (removed_at) throw removed(id, removed_at)
    await tx.db
      .updateTable('deliveries')
      .set((eb) => ({
        ...{ state: 'received', reason: null, processed_at: null, attempts: 0 },
        attempt_after: sql<Date>`now()`,
        replays: eb('replays', '+', 1),
      }))
      .where('id', '=', id)
      .execute()
    tx.emit({ kind: 'delivery.received', delivery: id })
  })
}
