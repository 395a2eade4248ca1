import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import { backoffMs } from '#pipelines/backoff.ts'
import type { RunError } from '#pipelines/wire/runner.ts'
import type { Db } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import { inMs, transact, type Tx } from '../db/transact.ts'
import type { Claimed } from './due.ts'
import { subjectsOf } from './subjects.ts'

export type Outcome = { readonly seen: unknown } | { readonly error: RunError }

const SHORTEST_MS = 60_000
const LONGEST_MS = 3_600_000

/**
 * How long until a check is due again: as long as was asked for; after failures twice as long each time, but not longer than an hour
 * where it is asked for more often. Spread by a fifth, so that what began together does not stay together.
 *
 * @param chance  0 to 1.
 */
export function nextCheckMs(everyMs: number, failures: number, chance: number): number {
  const patience = { firstMs: Math.min(everyMs, SHORTEST_MS), mostMs: Math.max(everyMs, LONGEST_MS) }
  const plainMs = failures === 0 ? everyMs : backoffMs(failures, patience)
  return Math.round(plainMs * (0.9 + chance / 5))
}

/**
 * A check has come to its end: what it said is kept, and it is due again later. An answer under a lease that is not the check's any more
 * changes nothing.
 *
 * @param dueAt  When it is due again, where that is no matter of `everyMs`.
 */
export async function settle(
  db: Db,
  check: Pick<Claimed, 'id' | 'lease'>,
  outcome: Outcome,
  dueAt?: Date,
): Promise<void> {
  await transact(db, async (tx) => settleIn(tx, check, outcome, dueAt))
}

/** The same, with what else is written because of the answer. */
export async function settleIn(
  tx: Tx,
  check: Pick<Claimed, 'id' | 'lease'>,
  outcome: Outcome,
  dueAt?: Date,
): Promise<void> {
  const row = await tx.db
    .selectFrom('checks')
    .select(['every_ms', 'failures', 'error'])
    .where('id', '=', check.id)
    .where('lease_token', '=', check.lease)
    .forUpdate()
    .executeTakeFirst()
  if (!row) return
  const error = 'error' in outcome ? outcome.error : null
  const failures = error ? row.failures + 1 : 0
  const waitMs = nextCheckMs(row.every_ms, failures, randomInt(1_000) / 1_000)
  await tx.db
    .updateTable('checks')
    .set({
      ...{ lease_token: null, lease_until: null, failures, checked_at: sql<Date>`now()` },
      error: error && toJson(error),
      // Somebody has asked for it anew while it was under way: what they know of it may not have seen.
      due_at: sql<Date>`case when due_at <= now() then now() else ${dueAt ?? inMs(waitMs)} end`,
      ...('seen' in outcome ? { seen: toJson(outcome.seen) } : {}),
    })
    .where('id', '=', check.id)
    .execute()
  if (row.error?.message === error?.message) return
  for (const { project, pipeline, name } of await subjectsOf(tx.db, check.id))
    tx.emit({ kind: 'resource.checked', project, pipeline, resource: name })
}
