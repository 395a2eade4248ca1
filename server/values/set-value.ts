import { sql } from 'kysely'
import type { ProjectId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Trx } from '../db/connect.ts'
import { LOCKS } from '../db/locks.ts'
import type { Tx } from '../db/transact.ts'
import { type Expected, mustBe } from '../http/expected-version.ts'
import { Problem } from '../problem.ts'
import { noValue, theValue } from './find-values.ts'

export const MOST_VALUE_BYTES = 65_536
/** Of one project. */
export const MOST_KEYS = 10_000
export const MOST_BYTES_OF_PROJECT = 10 * 1024 * 1024
/** Of one key. */
export const MOST_VERSIONS = 100

export type Place = {
  readonly project: { readonly id: ProjectId; readonly name: string }
  readonly key: string
}
type By = { readonly by: string; readonly expected: Expected }

/** Say what a key holds from now on. @throws {Problem} `changed-meanwhile`, `value-too-large`, `too-many-values`. */
export async function setValue(tx: Tx, at: Place, { value, by, expected }: By & { readonly value: string }) {
  const bytes = Buffer.byteLength(value)
  if (bytes > MOST_VALUE_BYTES)
    throw new Problem(
      'value-too-large',
      `the value of \`${at.key}\` has ${bytes} bytes, and ${MOST_VALUE_BYTES} fit; larger things are files`,
    )
  // What a project may hold is looked at by one at a time.
  await sql`select pg_advisory_xact_lock(${LOCKS.values}, ${at.project.id}::int)`.execute(tx.db)
  const now = await locked(tx.db, at)
  mustBe(expected, { version: now.value === null ? 0 : now.version, what: `\`${at.key}\`` })
  await mustFit(tx.db, at, bytes)
  await write(tx, at, { now, value, by })
  return theValue(tx.db, at.project.id, at.key)
}

/** @throws {Problem} `value-not-found`, `changed-meanwhile`. */
export async function removeValue(tx: Tx, at: Place, { by, expected }: By): Promise<void> {
  const now = await locked(tx.db, at)
  if (now.value === null) throw noValue(at.key)
  mustBe(expected, { version: now.version, what: `\`${at.key}\`` })
  await write(tx, at, { now, value: null, by })
  await forgetRemoved(tx.db, at.project.id)
}

/**
 * Count a value up or down: all who do so at once are each counted. What is not there counts as 0.
 *
 * @throws {Problem} `not-a-number`.
 */
export async function incrementValue(tx: Tx, at: Place, { by, step }: { by: string; step: number }) {
  const now = await locked(tx.db, at)
  if (now.value === null) await mustFit(tx.db, at, 20)
  if (now.value !== null && !/^-?\d{1,16}$/.test(now.value))
    throw new Problem('not-a-number', `\`${at.key}\` holds ${JSON.stringify(now.value.slice(0, 40))}`)
  const sum = Number(now.value ?? 0) + step
  if (!Number.isSafeInteger(sum))
    throw new Problem('not-a-number', `\`${at.key}\` would leave what counts exactly: ${sum}`)
  await write(tx, at, { now, value: String(sum), by })
  return theValue(tx.db, at.project.id, at.key)
}

type Now = { readonly version: number; readonly value: string | null }

/** The row of a key, this transaction's until it ends; a fresh one is as if it had been removed. */
async function locked(db: Trx, { project, key }: Place): Promise<Now> {
  await db
    .insertInto('project_values')
    .values({ project_id: project.id, key, version: 0, value: null, set_by: '' })
    .onConflict((already) => already.doNothing())
    .execute()
  return db
    .selectFrom('project_values')
    .select(['version', 'value'])
    .where('project_id', '=', project.id)
    .where('key', '=', key)
    .forUpdate()
    .executeTakeFirstOrThrow()
}

/** @throws {Problem} `too-many-values`. */
async function mustFit(db: Trx, { project, key }: Place, bytes: number): Promise<void> {
  const { keys, held } = await db
    .selectFrom('project_values')
    .select(sql<number>`count(*)::int`.as('keys'))
    .select(sql<number>`coalesce(sum(octet_length(value)), 0)::int`.as('held'))
    .where('project_id', '=', project.id)
    .where('value', 'is not', null)
    .where('key', '<>', key)
    .executeTakeFirstOrThrow()
  if (keys >= MOST_KEYS)
    throw new Problem('too-many-values', `${project.name} has ${keys} values, and no more fit; remove some`)
  if (held + bytes > MOST_BYTES_OF_PROJECT)
    throw new Problem(
      'too-many-values',
      `with it the values of ${project.name} would have ${held + bytes} bytes, and ${MOST_BYTES_OF_PROJECT} fit; remove some`,
    )
}

type Written = { readonly now: Now; readonly value: string | null; readonly by: string }

async function write(tx: Tx, { project, key }: Place, { now, value, by }: Written): Promise<void> {
  const version = now.version + 1
  const of = { project_id: project.id, key }
  const { set_at } = await tx.db
    .updateTable('project_values')
    .set({ version, value, set_by: by, set_at: sql<Date>`clock_timestamp()` })
    .where('project_id', '=', project.id)
    .where('key', '=', key)
    .returning('set_at')
    .executeTakeFirstOrThrow()
  await tx.db
    .insertInto('value_history')
    .values({ ...of, version, value, set_by: by, set_at })
    .execute()
  await tx.db
    .deleteFrom('value_history')
    .where('project_id', '=', project.id)
    .where('key', '=', key)
    .where('version', '<=', version - MOST_VERSIONS)
    .execute()
  audited({
    before: now.value === null ? null : { version: now.version, value: now.value },
    after: value === null ? null : { version, value },
  })
  tx.emit({ kind: 'value.changed', project: project.name, key })
}

/** What was removed long ago is forgotten with its history, so that keys of passing things do not pile up. */
async function forgetRemoved(db: Trx, project: ProjectId): Promise<void> {
  await sql`delete from project_values where project_id = ${project} and value is null and ctid in (
      select ctid from project_values where project_id = ${project} and value is null
        and set_at < now() - interval '30 days' for update skip locked)`.execute(db)
}
