import { createRoute, z } from '@hono/zod-openapi'
import type { Access } from '#pipelines/access/roles.ts'
import type { DeliveryId } from '#pipelines/ids.ts'
import { sql } from 'kysely'
import { mayIn, seesAll } from '../access/grants.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'

const time = z.string().openapi({ format: 'date-time' })
const Delivery = z
  .object({
    id: z.number().int(),
    source: z.enum(['github', 'gitlab', 'gitea', 'git', 'hosted', 'events', 'registry']),
    event: z.string(),
    project: z.string().nullable(),
    state: z.enum(['received', 'processed', 'ignored', 'refused', 'failed']),
    reason: z.string().nullable().openapi({ description: 'What became of it, in words' }),
    received_at: time,
    processed_at: time.nullable(),
  })
  .openapi('Delivery')
const DeliveryList = z
  .object({ items: z.array(Delivery), next: z.string().nullable() })
  .openapi('DeliveryList')
const whole = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)

const tags = ['Deliveries']
const list = createRoute({
  method: 'get',
  path: '/deliveries',
  tags,
  summary: 'What arrived and what became of it, newest first',
  request: {
    query: z.object({
      after: whole.optional().openapi({ description: '`next` of the page before', type: 'integer' }),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: json(DeliveryList, 'A page of deliveries') },
})
const replay = createRoute({
  method: 'post',
  path: '/deliveries/{id}/replay',
  tags,
  summary: 'Look at a delivery once more',
  request: {
    params: z.object({ id: whole.openapi({ param: { in: 'path', name: 'id' }, type: 'integer' }) }),
  },
  responses: { 202: json(z.object({ delivery: z.number().int() }), 'It will be looked at') },
})

export const deliveryRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(list, async (c) => {
      const { after, limit } = c.req.valid('query')
      const items = await listDeliveries(db, c.get('access'), {
        limit,
        before: after as DeliveryId | undefined,
      })
      const last = items.at(-1)
      return c.json({ items, next: last && items.length === limit ? String(last.id) : null }, 200)
    })
    .openapi(replay, async (c) => {
      const id = c.req.valid('param').id as DeliveryId
      await replayDelivery(db, c.get('access'), id)
      return c.json({ delivery: id }, 202)
    })

/** What a git server said of a repository is for those who maintain a project of it; what is of none, for admins of the server. */
const maySee = (access: Access) =>
  seesAll(access)
    ? sql<boolean>`true`
    : sql<boolean>`exists (select from projects
        where projects.id in (select id from projects where repository_id = deliveries.repository_id
          union select deliveries.project_id) and ${mayIn(access, 'maintainer')})`

async function listDeliveries(
  db: Db,
  access: Access,
  { limit, before }: { limit: number; before: DeliveryId | undefined },
): Promise<z.output<typeof Delivery>[]> {
  let deliveries = db.selectFrom('deliveries').where(maySee(access))
  if (before !== undefined) deliveries = deliveries.where('deliveries.id', '<', before)
  const rows = await deliveries
    .select((eb) => [
      'deliveries.id',
      'source',
      'event',
      'state',
      'reason',
      'received_at',
      'processed_at',
      eb
        .selectFrom('projects')
        .select('projects.name')
        .where(
          sql<boolean>`projects.id = deliveries.project_id or projects.repository_id = deliveries.repository_id`,
        )
        .orderBy(sql`projects.id = deliveries.project_id`, (ob) => ob.desc().nullsLast())
        .orderBy('projects.id')
        .limit(1)
        .as('project'),
    ])
    .orderBy('deliveries.id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(({ received_at, processed_at, ...row }) => ({
    ...row,
    received_at: received_at.toISOString(),
    processed_at: processed_at?.toISOString() ?? null,
  }))
}

async function replayDelivery(db: Db, access: Access, id: DeliveryId): Promise<void> {
  await transact(db, async (tx) => {
    const row = await tx.db
      .updateTable('deliveries')
      .set({
        state: 'received',
        reason: null,
        processed_at: null,
        attempts: 0,
        attempt_after: sql<Date>`now()`,
      })
      .where('id', '=', id)
      .where(maySee(access))
      .returning('id')
      .executeTakeFirst()
    if (!row) throw new Problem('delivery-not-found', `there is no delivery ${id}`)
    tx.emit({ kind: 'delivery.received', delivery: id })
  })
}
