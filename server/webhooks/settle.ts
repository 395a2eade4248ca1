import { sql } from 'kysely'
import { backoffMs } from '#pipelines/backoff.ts'
import type { DeliveryId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import type { DeliveryState } from '../db/hook-tables.ts'
import { storable } from '../db/to-json.ts'
import { inMs, transact, type Tx } from '../db/transact.ts'
import { GitError } from '../forges/git.ts'
import { log } from '../log.ts'

const MOST_ATTEMPTS = 5
const RETRIES = { firstMs: 500, mostMs: 60_000 }
const MOST_LETTERS = 4_000

/** What became of a delivery. */
export type Fate = {
  readonly state: Exclude<DeliveryState, 'received'>
  readonly reason: string
  readonly project: string | null
}

export const settle = (db: Db, id: DeliveryId, fate: Fate) => transact(db, (tx) => settleIn(tx, id, fate))

/** Of two servers that made the same of it, the first says so. */
export async function settleIn(tx: Tx, id: DeliveryId, fate: Fate): Promise<void> {
  const settled = await tx.db
    .updateTable('deliveries')
    .set({
      state: fate.state,
      reason: storable(fate.reason).slice(0, MOST_LETTERS),
      processed_at: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .where('state', '=', 'received')
    .executeTakeFirst()
  if (settled.numUpdatedRows > 0n)
    tx.emit({ kind: 'delivery.processed', delivery: id, project: fate.project })
}

type Failed = { readonly id: DeliveryId; readonly attempts: number; readonly error: unknown }

/** A delivery that fails is tried again, later each time, and in the end set aside with its reason. @returns When, or null. */
export async function countFailure(db: Db, { id, attempts, error }: Failed): Promise<number | null> {
  log.warn({ err: error, delivery: id, attempts: attempts + 1 }, 'delivery.failed')
  const retryInMs = backoffMs(attempts, RETRIES)
  const again = { attempts: attempts + 1, attempt_after: inMs(retryInMs) }
  await db.updateTable('deliveries').set(again).where('id', '=', id).execute()
  if (attempts + 1 < MOST_ATTEMPTS) return retryInMs
  const why =
    error instanceof GitError
      ? `the commit could not be read: ${error.words}`
      : 'the server failed on it; its log holds the cause'
  await settle(db, id, { state: 'failed', reason: `${why}; replay it when that is mended`, project: null })
  return null
}
