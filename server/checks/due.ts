import { sql } from 'kysely'
import type { CheckId } from '#pipelines/ids.ts'
import { newSecret } from '../access/key-files.ts'
import { serverGoes } from '../catalog/maintenance.ts'
import type { Db } from '../db/connect.ts'
import { CHANNEL } from '../db/transact.ts'
import type { Question } from './questions.ts'

export type CheckKind = Question['kind']
/** A check that is this process's to carry out, until its time is over. */
export type Claimed = {
  readonly id: CheckId
  readonly lease: string
  readonly question: Question
  readonly everyMs: number
  /** The last good answer; null where there was none, or somebody asks who has no version yet. */
  readonly seen: unknown
  /** When it was due. */
  readonly dueAt: Date
}

/** How long a check may take, and how long nobody else begins it. */
export const CHECK_MS = 300_000
const LEASE_MS = CHECK_MS + 30_000
/** What asks nobody outside is done in no time: who was killed at it is not waited for. */
export const TIME_LEASE_MS = 15_000

/** Of one project: where nobody says how many. */
const ALL = 1_000

/**
 * Take the checks that are due, of each project the first ones, as few as others have under way; then those that were due first. Two
 * who call get two checks: never the same one, and never a wait. What was taken by somebody who then fell silent is taken anew when
 * its lease is over. What several projects ask together counts as the oldest one's.
 */
export async function claimDue(
  db: Db,
  {
    kinds,
    most,
    leaseMs = LEASE_MS,
    mostOfOne = ALL,
  }: {
    readonly kinds: readonly CheckKind[]
    readonly most: number
    readonly leaseMs?: number
    /** So many of one project are under way at most, whatever else there is room for. */
    readonly mostOfOne?: number
  },
): Promise<Claimed[]> {
  const lease = newSecret()
  const { rows } = await sql<Omit<Claimed, 'lease'>>`
    with due as (
      select checks.id, checks.due_at, min(pipelines.project_id) as project_id
      from checks join resources on resources.check_id = checks.id join pipelines on pipelines.id = resources.pipeline_id
      where checks.kind = any(${kinds}::text[]) and checks.due_at <= now()
        and (checks.lease_until is null or checks.lease_until < now())
        and resources.paused_at is null and (checks.kind <> 'custom' or ${serverGoes})
      group by checks.id
    ), busy as (
      select project_id, count(*) as count from (
        select min(pipelines.project_id) as project_id
        from checks join resources on resources.check_id = checks.id join pipelines on pipelines.id = resources.pipeline_id
        where checks.kind = any(${kinds}::text[]) and checks.lease_until > now() group by checks.id
      ) taken group by project_id
    ), ranked as (
      select due.id, coalesce(busy.count, 0)
        + row_number() over (partition by due.project_id order by due.due_at, due.id) as place
      from due left join busy using (project_id)
    ), mine as (
      select checks.id, checks.due_at from checks join ranked on ranked.id = checks.id
      where ranked.place <= ${mostOfOne}
        -- Asked of the row itself once more: whoever had it locked may have taken it since.
        and checks.due_at <= now() and (checks.lease_until is null or checks.lease_until < now())
      order by ranked.place, checks.due_at, checks.id limit ${most} for update of checks skip locked
    )
    update checks set lease_token = ${lease}, lease_until = now() + ${leaseMs} * interval '1 millisecond',
      due_at = now() + ${leaseMs} * interval '1 millisecond'
    from mine where checks.id = mine.id
    returning checks.id, checks.question, checks.every_ms as "everyMs", checks.seen, mine.due_at as "dueAt"`.execute(
    db,
  )
  return rows.map((row) => ({ ...row, lease }))
}

/** What was taken is not carried out: whoever is there does it at once. */
export async function giveBack(db: Db, { id, lease }: Pick<Claimed, 'id' | 'lease'>): Promise<void> {
  await db
    .updateTable('checks')
    .set({ lease_token: null, lease_until: null, due_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where('lease_token', '=', lease)
    .execute()
  await sql`select pg_notify(${CHANNEL}, '')`.execute(db)
}

/** How long nothing becomes due, by the database's clock; null where nothing is asked. What is overdue and free is not counted. */
export async function untilNextMs(db: Db): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select ceil(extract(epoch from min(at) - now()) * 1000)::int as ms from (
      (select due_at as at from checks where due_at > now() order by due_at limit 1)
      union all
      select min(lease_until) as at from checks where lease_until > now()
    ) next`.execute(db)
  return rows[0]?.ms ?? null
}
