import { sql } from 'kysely'
import type { RunId, RunnerId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker, type Worker } from '../events/worker.ts'
import { inMs, transact } from '../db/transact.ts'
import { loseAttempt } from '../runs/end-attempt.ts'
import { releaseForgotten } from '../runs/holds.ts'
import { lockRun } from '../runs/lock-run.ts'

/** Leases end by the clock, and no event tells of it. */
const NO_HINTS: Pick<Hints, 'on'> = { on: () => () => undefined }

/**
 * Look three times a lease for runs whose runner has gone silent, and for held ones whom nobody let on.
 *
 * When a look failed or came late (the database was away, this process or the machine slept), nobody could renew a lease: all of
 * them get a fresh term first.
 */
export function startReaper(db: Db, leaseMs: number): Worker {
  const everyMs = Math.ceil(leaseMs / 3)
  let lookedAt = Date.now()
  const look = async () => {
    const lateMs = Date.now() - lookedAt - everyMs
    if (lateMs > everyMs / 2) await extendLeases(db, leaseMs)
    await reap(db)
    lookedAt = Date.now()
    await releaseForgotten(db)
    return false
  }
  return startWorker('reaper', look, { hints: NO_HINTS, sweepMs: everyMs })
}

/**
 * Take runs back from runners that have gone silent: to the queue, or, where somebody wanted them to end anyway or they were lost
 * too often, to their end.
 */
export async function reap(db: Db): Promise<void> {
  const lost = await db
    .selectFrom('runs')
    .select('id')
    .where('state', '=', 'running')
    .where('lease_until', '<', sql<Date>`now()`)
    .limit(100)
    .execute()
  for (const { id } of lost) await reapOne(db, id)
}

async function reapOne(db: Db, id: RunId): Promise<void> {
  await transact(db, async (tx) => {
    const run = await lockRun(tx.db, id)
    const expired = await tx.db
      .selectFrom('runs')
      .select('id')
      .where('id', '=', id)
      .where('state', '=', 'running')
      .where('lease_until', '<', sql<Date>`now()`)
      .executeTakeFirst()
    if (expired) await loseAttempt(tx, run)
  })
}

/**
 * A runner has said which runs it carries: what is leased to it besides is lost already (it was restarted, or the work never
 * reached it), and need not wait for its lease to end.
 */
export async function loseUncarried(db: Db, runner: RunnerId, carried: readonly RunId[]): Promise<void> {
  const leased = await db
    .selectFrom('runs')
    .select('id')
    .where('runner_id', '=', runner)
    .where('state', '=', 'running')
    .execute()
  for (const { id } of leased.filter((run) => !carried.includes(run.id))) {
    await transact(db, async (tx) => {
      const run = await lockRun(tx.db, id)
      if (run.state === 'running' && run.runner_id === runner) await loseAttempt(tx, run)
    })
  }
}

/**
 * Give every lease a fresh term: the server or the database was away, so nobody could renew, and silence meant nothing.
 */
export async function extendLeases(db: Db, leaseMs: number): Promise<void> {
  await db
    .updateTable('runs')
    .set({ lease_until: sql<Date>`greatest(lease_until, ${inMs(leaseMs)})` })
    .where('state', '=', 'running')
    .execute()
}

/** Renew the leases that a runner says it still carries. @returns Those that are not its own any more. */
export async function renew(
  db: Db,
  carried: readonly { run: RunId; lease: string }[],
  leaseMs: number,
): Promise<RunId[]> {
  const lost: RunId[] = []
  for (const { run, lease } of carried) {
    const renewed = await db
      .updateTable('runs')
      .set({ lease_until: inMs(leaseMs) })
      .where('id', '=', run)
      .where('state', '=', 'running')
      .where('lease_token', '=', lease)
      .executeTakeFirst()
    if (renewed.numUpdatedRows === 0n) lost.push(run)
  }
  return lost
}

/** The last report of each carried run that is committed: where the runner goes on after a redial. */
export const heardOf = (db: Db, runs: readonly RunId[]) =>
  runs.length === 0
    ? []
    : db
        .selectFrom('runs')
        .select(['id', 'heard_seq'])
        .where('id', 'in', [...runs])
        .execute()
