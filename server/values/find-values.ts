import { sql } from 'kysely'
import type { ProjectId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import { Problem } from '../problem.ts'

/** What a list tells of a long value. */
const SHOWN = 1_000

export type Page = {
  readonly prefix: string | undefined
  readonly after: string | undefined
  readonly limit: number
}

/** The values of a project in the order of their keys. */
export async function listValues(db: Db, project: ProjectId, { prefix, after, limit }: Page) {
  let found = db
    .selectFrom('project_values')
    .select(['key', 'version', 'set_by', 'set_at'])
    .select(sql<string>`left(value, ${SHOWN})`.as('value'))
    .select(sql<number>`octet_length(value)`.as('bytes'))
    .select(sql<boolean>`length(value) <= ${SHOWN}`.as('whole'))
    .where('project_id', '=', project)
    .where('value', 'is not', null)
  if (prefix !== undefined) found = found.where(sql<boolean>`starts_with(key, ${prefix})`)
  if (after !== undefined) found = found.where(sql<boolean>`key collate "C" > ${after}`)
  const rows = await found
    .orderBy(sql`key collate "C"`)
    .limit(limit)
    .execute()
  return rows.map(({ set_at, ...row }) => ({ ...row, set_at: set_at.toISOString() }))
}

/** @throws {Problem} `value-not-found`. */
export async function theValue(db: Db | Trx, project: ProjectId, key: string) {
  const row = await db
    .selectFrom('project_values')
    .select(['key', 'version', 'value', 'set_by', 'set_at'])
    .where('project_id', '=', project)
    .where('key', '=', key)
    .executeTakeFirst()
  if (!row || row.value === null) throw noValue(key)
  return { ...row, value: row.value, set_at: row.set_at.toISOString() }
}

export const noValue = (key: string) => new Problem('value-not-found', `there is no value \`${key}\` here`)

/** What a key was, newest first; also of one that was removed. @throws {Problem} `value-not-found`. */
export async function historyOf(
  db: Db,
  project: ProjectId,
  { key, before, limit }: { key: string; before: number | undefined; limit: number },
) {
  const rows = await db
    .selectFrom('value_history')
    .select(['version', 'value', 'set_by', 'set_at'])
    .where('project_id', '=', project)
    .where('key', '=', key)
    .where('version', '<', before ?? 2_147_483_647)
    .orderBy('version', 'desc')
    .limit(limit)
    .execute()
  if (rows.length === 0 && before === undefined) throw noValue(key)
  return rows.map(({ set_at, ...row }) => ({ ...row, set_at: set_at.toISOString() }))
}
