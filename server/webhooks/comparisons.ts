import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import { backoffMs } from '#pipelines/backoff.ts'
import type { RepositoryId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { storable } from '../db/to-json.ts'
import { CHANNEL, inMs } from '../db/transact.ts'

/** A repository of another server that is to be looked at. */
export type Due = {
  readonly id: RepositoryId
  /** Nobody has compared its refs before. */
  readonly isFirst: boolean
  /** Nobody has listed its pull requests before. */
  readonly isUnlisted: boolean
  readonly failures: number
}

/** Whoever adds a project has this long to set up its hook. */
const FIRST_MS = 60_000
/** So long nobody else begins it, should whoever took it fall silent. */
const LEASE_MS = 180_000
const PATIENCE = { firstMs: 60_000, mostMs: 3_600_000 }
const MOST_LETTERS = 1_000

/** Repositories of projects on other servers are compared from now on. */
export const enrol = (db: Db) =>
  sql`insert into comparisons (repository_id, due_at)
    select distinct projects.repository_id, now() + ${FIRST_MS} * interval '1 millisecond' from projects
    join repositories on repositories.id = projects.repository_id
    where repositories.kind <> 'hosted'
      and not exists (select from comparisons where comparisons.repository_id = projects.repository_id)
    on conflict do nothing`.execute(db)

/** Take those that are due: two who call never get the same one. */
export async function claimComparisons(db: Db, most: number): Promise<Due[]> {
  const { rows } = await sql<Due>`
    with mine as (
      select repository_id from comparisons
      where due_at <= now() and (lease_until is null or lease_until < now())
        and exists (select from projects where projects.repository_id = comparisons.repository_id)
      order by due_at, repository_id limit ${most} for update skip locked
    )
    update comparisons set lease_until = now() + ${LEASE_MS} * interval '1 millisecond',
      due_at = now() + ${LEASE_MS} * interval '1 millisecond'
    from mine where comparisons.repository_id = mine.repository_id
    returning comparisons.repository_id as id, compared_at is null as "isFirst",
      listed_at is null as "isUnlisted", failures`.execute(db)
  return rows
}

export type Compared =
  /** `unlisted`: why its pull requests could not be listed; `listed`: they were. */
  | { readonly told: number; readonly unlisted?: string; readonly listed?: true }
  | { readonly error: string }
  /** Deliveries come in at the moment: it is looked again when they are worked off. */
  | { readonly busy: true }
const BUSY_MS = 5_000

/** @param everyMs  Null: nothing is compared by itself but at the start of a server. */
export async function settleComparison(
  db: Db,
  { id, failures }: Due,
  { outcome, everyMs }: { readonly outcome: Compared; readonly everyMs: number | null },
): Promise<void> {
  const error = 'error' in outcome ? outcome.error : 'told' in outcome ? (outcome.unlisted ?? null) : null
  const failed = error === null ? 0 : failures + 1
  const patientMs = backoffMs(failures, PATIENCE)
  const plainMs = 'busy' in outcome ? BUSY_MS : failed > 0 ? patientMs : everyMs
  const due = plainMs === null ? sql<Date>`'infinity'::timestamptz` : inMs(spread(plainMs))
  await db
    .updateTable('comparisons')
    .set({
      lease_until: null,
      // Somebody asked for it anew meanwhile.
      due_at: sql<Date>`case when due_at <= now() then now() else ${due} end`,
      ...('busy' in outcome ? {} : { failures: failed }),
      ...('busy' in outcome ? {} : { error: error && storable(error).slice(0, MOST_LETTERS) }),
      ...('told' in outcome ? { told: outcome.told, compared_at: sql<Date>`now()` } : {}),
      ...('told' in outcome && outcome.listed ? { listed_at: sql<Date>`now()` } : {}),
    })
    .where('repository_id', '=', id)
    .execute()
}

/** What began together does not stay together. */
const spread = (ms: number) => Math.round(ms * (0.9 + randomInt(200) / 1_000))

/** All of them at once, as at the start of a server; or one, because somebody asks for it. */
export async function compareNow(db: Db, only: RepositoryId | null = null): Promise<void> {
  await enrol(db)
  let all = db.updateTable('comparisons').set({ due_at: sql<Date>`now()` })
  if (only !== null) all = all.where('repository_id', '=', only)
  await all.execute()
  await sql`select pg_notify(${CHANNEL}, '')`.execute(db)
}
