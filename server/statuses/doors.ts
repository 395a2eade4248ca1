import { sql } from 'kysely'
import type { ProjectId } from '#pipelines/ids.ts'
import { newSecret } from '../access/key-files.ts'
import type { Db } from '../db/connect.ts'
import type { ForgeName } from '../db/status-tables.ts'
import { storable } from '../db/to-json.ts'
import { inMs } from '../db/transact.ts'

/** What statuses of a forge go through: one for each token, so that a bad one of a project's shuts out nobody else. */
export type Door = {
  readonly forge: ForgeName
  /** By whose token; null: the server's own. */
  readonly project: ProjectId | null
}
export const nameOf = ({ forge, project }: Door): string => `${forge}/${project ?? 'own'}`

/** So long nobody else tells, should whoever does fall silent. */
const LEASE_MS = 30_000
export const RENEW_MS = 10_000

const unsent = sql<boolean>`statuses.sent < statuses.requested and statuses.given_up_at is null`
const doorOf = sql<ProjectId | null>`case when statuses.own_token then pipelines.project_id end`
const statusesAtDoors = sql`from statuses join pipelines on pipelines.id = statuses.pipeline_id
  left join forge_doors on forge_doors.forge = statuses.forge and forge_doors.project_id is not distinct from ${doorOf}`

/** The doors through which something may go now, and which nobody holds. */
export async function doorsWithSome(db: Db): Promise<Door[]> {
  const { rows } = await sql<Door>`
    select distinct statuses.forge, ${doorOf} as project ${statusesAtDoors}
    where ${unsent} and statuses.attempt_after <= now() and coalesce(forge_doors.opens_at <= now(), true)
      and coalesce(forge_doors.lease_until <= now(), true)`.execute(db)
  return rows
}

/** When something may go next that may not now; null where nothing waits. */
export async function nextInMs(db: Db): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from min(at) - clock_timestamp())::float8 * 1000 as ms from (
      select min(due_at) as at from status_dues
      union all
      select min(greatest(statuses.attempt_after, coalesce(opens_at, '-infinity'), coalesce(lease_until, '-infinity')))
      ${statusesAtDoors}
      where ${unsent} and (statuses.attempt_after > now() or opens_at > now() or lease_until > now())
    ) as next`.execute(db)
  const ms = rows[0]?.ms
  return ms === null || ms === undefined ? null : Math.max(0, ms)
}

/** @returns What shows that the door is ours; null where another holds it, or it is shut. */
export async function takeDoor(db: Db, { forge, project }: Door): Promise<string | null> {
  const lease = newSecret()
  const { rows } = await sql<{ lease_token: string }>`
    insert into forge_doors (forge, project_id, lease_token, lease_until)
    values (${forge}, ${project}, ${lease}, ${inMs(LEASE_MS)})
    on conflict (forge, project_id) do update set lease_token = excluded.lease_token, lease_until = excluded.lease_until
    where coalesce(forge_doors.lease_until <= now(), true) and coalesce(forge_doors.opens_at <= now(), true)
    returning lease_token`.execute(db)
  return rows[0]?.lease_token ?? null
}

export type HeldDoor = Door & { readonly lease: string }

/** @returns False where it is ours no more. */
export async function renewDoor(db: Db, door: HeldDoor): Promise<boolean> {
  const row = await ours(db, door)
    .set({ lease_until: inMs(LEASE_MS) })
    .returning('forge')
    .executeTakeFirst()
  return row !== undefined
}

export const letGoOfDoor = (db: Db, door: HeldDoor) =>
  ours(db, door).set({ lease_token: null, lease_until: null }).execute()

const ours = (db: Db, { forge, project, lease }: HeldDoor) =>
  db
    .updateTable('forge_doors')
    .where('forge', '=', forge)
    .where(sql<boolean>`project_id is not distinct from ${project}`)
    .where('lease_token', '=', lease)

export type Heard = {
  readonly failures: number
  readonly opensInMs: number | null
  readonly reason: string | null
}

/** What came of the last that went through. */
export const setDoor = (db: Db, door: HeldDoor, { failures, opensInMs, reason }: Heard) =>
  ours(db, door)
    .set({
      ...{ failures, reason: reason === null ? null : storable(reason).slice(0, 1_000) },
      ...{ opens_at: opensInMs === null ? null : inMs(opensInMs), heard_at: sql<Date>`now()` },
    })
    .execute()

export async function failuresOf(db: Db, { forge, project }: Door): Promise<number> {
  const door = await db
    .selectFrom('forge_doors')
    .select('failures')
    .where('forge', '=', forge)
    .where(sql<boolean>`project_id is not distinct from ${project}`)
    .executeTakeFirst()
  return door?.failures ?? 0
}
