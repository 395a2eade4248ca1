import { type RawBuilder, sql } from 'kysely'
import type { z } from 'zod'
import type { Access } from '#pipelines/access/roles.ts'
import type { DeliveryId } from '#pipelines/ids.ts'
import { mayIn, seesAll } from '../access/grants.ts'
import type { Db } from '../db/connect.ts'
import type { DeliverySource, DeliveryState } from '../db/hook-tables.ts'
import { Problem } from '../problem.ts'
import type { Delivery, DeliveryDetail } from './delivery-shapes.ts'

type Shown = z.output<typeof Delivery>
export type DeliveryFilter = {
  readonly project?: string | undefined
  readonly source?: DeliverySource | undefined
  readonly event?: string | undefined
  readonly state?: DeliveryState | undefined
  readonly before?: DeliveryId | undefined
  readonly limit: number
}

/** Beside a row of `projects`: a delivery was told to it, or speaks of its repository. */
const concerned = sql<boolean>`projects.id in (
  select id from projects where repository_id = deliveries.repository_id union select deliveries.project_id)`

/** What was told of a project or its repository is for those who maintain it; what is of none, for admins of the server. */
export const maySee = (access: Access): RawBuilder<boolean> =>
  seesAll(access)
    ? sql<boolean>`true`
    : sql<boolean>`exists (select from projects where ${concerned} and ${mayIn(access, 'maintainer')})`

/** The project that a delivery was told to; else the first of those that use its repository. */
const projectOf = (access: Access) =>
  sql<string | null>`(select projects.name from projects where ${concerned}
    and (${seesAll(access) ? sql`true` : mayIn(access, 'maintainer')})
    order by projects.id is not distinct from deliveries.project_id desc, projects.id limit 1)`.as('project')

const COLUMNS = [
  ...(['deliveries.id', 'source', 'event', 'about', 'state', 'reason', 'replays'] as const),
  ...(['received_at', 'processed_at', 'removed_at'] as const),
] as const

export async function findDeliveries(db: Db, access: Access, wanted: DeliveryFilter): Promise<Shown[]> {
  const { project, source, event, state, before, limit } = wanted
  let found = db.selectFrom('deliveries').where(maySee(access))
  if (before !== undefined) found = found.where('deliveries.id', '<', before)
  if (source !== undefined) found = found.where('source', '=', source)
  if (state !== undefined) found = found.where('state', '=', state)
  if (event !== undefined) found = found.where('event', '=', event)
  if (project !== undefined)
    found = found.where(sql<boolean>`exists (select from projects where projects.name = ${project}
      and (projects.id = deliveries.project_id or projects.repository_id = deliveries.repository_id))`)
  const rows = await found
    .select([...COLUMNS])
    .select(projectOf(access))
    .orderBy('deliveries.id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(shown)
}

type Times = {
  readonly received_at: Date
  readonly processed_at: Date | null
  readonly removed_at: Date | null
}
const shown = <Row extends Times>({ received_at, processed_at, removed_at, ...row }: Row) => ({
  ...row,
  payload_removed_at: removed_at?.toISOString() ?? null,
  received_at: received_at.toISOString(),
  processed_at: processed_at?.toISOString() ?? null,
})

/** So much of a payload goes into an answer; the rest is fetched by itself. */
const MOST_BYTES = 256 * 1024

/** @throws {Problem} `delivery-not-found`, also where one may not see it. */
export async function theDelivery(
  db: Db,
  access: Access,
  id: DeliveryId,
): Promise<z.output<typeof DeliveryDetail>> {
  const row = await db
    .selectFrom('deliveries')
    .where(maySee(access))
    .where('deliveries.id', '=', id)
    .select([...COLUMNS, 'delivery_id', 'attempts', 'headers'])
    .select([
      projectOf(access),
      sql<boolean>`signature is not null`.as('signed'),
      sql<number>`coalesce(octet_length(body), 0)`.as('bytes'),
      sql<Buffer>`coalesce(substring(body for ${MOST_BYTES}), '')`.as('beginning'),
    ])
    .executeTakeFirst()
  if (!row) throw noSuch(id)
  const { beginning, headers, delivery_id, ...rest } = row
  return {
    ...shown(rest),
    delivery_id: delivery_id.slice(delivery_id.lastIndexOf('/') + 1),
    headers: headers ?? {},
    payload: new TextDecoder().decode(beginning),
    cut: beginning.length < row.bytes,
    versions: await versionsOf(db, access, id),
    runs: await runsOf(db, access, id),
  }
}

/** The body as it came. @throws {Problem} `delivery-not-found`; `payload-removed`. */
export async function payloadOf(db: Db, access: Access, id: DeliveryId): Promise<Buffer> {
  const row = await db
    .selectFrom('deliveries')
    .select(['body', 'removed_at'])
    .where(maySee(access))
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row) throw noSuch(id)
  if (!row.body) throw removed(id, row.removed_at)
  return row.body
}

/** A delivery whose payload has served its time: what became of it stays on record. */
export const removed = (id: DeliveryId, at: Date | null) =>
  new Problem(
    'payload-removed',
    `the payload of delivery ${id} was removed on ${at?.toISOString().slice(0, 10)}, after the days that TAKT_DELIVERY_DAYS ` +
      'gives to payloads; what became of it stays. Have its sender tell it again, or compare refs with `takt deliveries catch-up`',
  )

export const noSuch = (id: DeliveryId) => new Problem('delivery-not-found', `there is no delivery ${id}`)

const MOST_SHOWN = 100

const versionsOf = (db: Db, access: Access, id: DeliveryId) =>
  db
    .selectFrom('versions')
    .innerJoin('resources', 'resources.id', 'versions.resource_id')
    .innerJoin('lanes', 'lanes.id', 'versions.lane_id')
    .innerJoin('pipelines', 'pipelines.id', 'resources.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .select([
      ...(['projects.name as project', 'pipelines.name as pipeline', 'lanes.name as lane'] as const),
      ...(['resources.name as resource', 'versions.name as version'] as const),
    ])
    .where('versions.delivery_id', '=', id)
    .where(mayIn(access, 'viewer'))
    .orderBy('versions.id')
    .limit(MOST_SHOWN)
    .execute()

const runsOf = (db: Db, access: Access, id: DeliveryId) =>
  db
    .selectFrom('runs')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .innerJoin('lanes', 'lanes.id', 'runs.lane_id')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .select([
      ...(['projects.name as project', 'pipelines.name as pipeline', 'lanes.name as lane'] as const),
      ...(['runs.id', 'jobs.name as job', 'runs.state'] as const),
    ])
    .where('runs.id', 'in', (eb) =>
      eb
        .selectFrom('run_inputs')
        .innerJoin('versions', 'versions.id', 'run_inputs.version_id')
        .select('run_inputs.run_id')
        .where('versions.delivery_id', '=', id),
    )
    .where(mayIn(access, 'viewer'))
    .orderBy('runs.id')
    .limit(MOST_SHOWN)
    .execute()
