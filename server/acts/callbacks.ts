import { sql } from 'kysely'
import type { CallbackId, RunId } from '#pipelines/ids.ts'
import { isFinal } from '#pipelines/states.ts'
import { callbackSecret, sameSecret } from '../access/derive.ts'
import type { Db, Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import { transact } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { lockRun } from '../runs/lock-run.ts'
import { fieldsOfEvent } from '../versions/take-event.ts'

export type Called = {
  readonly id: CallbackId
  readonly token: string
  readonly address: string
  /** What was sent along, as it was read: JSON, else a text. */
  readonly body: unknown
}

export type CallbackRow = { readonly project: string; readonly run: RunId; readonly name: string }

/** Whose callback it is, for who shows its token. @throws {Problem} `bad-callback`. */
export async function theCallback(
  db: Db,
  { id, token }: Pick<Called, 'id' | 'token'>,
  keys: readonly string[],
): Promise<CallbackRow> {
  // A stranger learns nothing of which there are.
  const refused = new Problem('bad-callback', 'the address is not one that was given out; take it whole')
  if (!keys.some((key) => sameSecret(token, callbackSecret(key, id)))) throw refused
  const found = await db
    .selectFrom('callbacks')
    .innerJoin('runs', 'runs.id', 'callbacks.run_id')
    .innerJoin('projects', 'projects.id', 'runs.project_id')
    .select(['projects.name as project', 'callbacks.run_id as run', 'callbacks.name'])
    .where('callbacks.id', '=', id)
    .executeTakeFirst()
  if (!found) throw refused
  return found
}

/**
 * Somebody calls back, with what the run is to know. It counts from when its run has begun, whether or not that waits for it yet.
 *
 * @throws {Problem} `callback-used`, `callback-expired`.
 */
export async function takeCallback(db: Db, { run: of, name }: CallbackRow, called: Called): Promise<void> {
  await transact(db, async (tx) => {
    const run = await lockRun(tx.db, of)
    const { used_at } = await tx.db
      .selectFrom('callbacks')
      .select('used_at')
      .where('id', '=', called.id)
      .executeTakeFirstOrThrow()
    if (used_at !== null)
      throw new Problem('callback-used', `\`${name}\` was called back at ${used_at.toISOString()}`)
    if (isFinal(run.state) || (await isOver(tx.db, of, name)))
      throw new Problem('callback-expired', `run ${of} is ${run.state}, and does not wait for \`${name}\``)
    const fields =
      typeof called.body === 'object' ? fieldsOfEvent(called.body) : fieldsOfEvent({ value: called.body })
    await tx.db
      .updateTable('callbacks')
      .set({ used_at: sql<Date>`clock_timestamp()`, address: called.address, fields: toJson(fields) })
      .where('id', '=', called.id)
      .execute()
    tx.emit({ kind: 'run.progressed', project: run.project, pipeline: run.pipeline, run: of })
  })
}

/** Whether it was waited for, and is not any more. */
const isOver = async (db: Trx, run: RunId, callback: string): Promise<boolean> =>
  (await db
    .selectFrom('gates')
    .innerJoin('acts', 'acts.gate_id', 'gates.id')
    .select('gates.id')
    .where('gates.run_id', '=', run)
    .where('gates.kind', '=', 'wait')
    .where((eb) =>
      eb.or([eb('gates.state', '!=', 'waiting'), eb('gates.expires_at', '<=', sql<Date>`clock_timestamp()`)]),
    )
    .where(sql<string>`acts.spec->>'callback'`, '=', callback)
    .executeTakeFirst()) !== undefined
