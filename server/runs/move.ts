import { sql } from 'kysely'
import type { RunId, RunnerId } from '#pipelines/ids.ts'
import { after, isFinal, type RunMove, type RunState } from '#pipelines/states.ts'
import type { RunError } from '#pipelines/wire/runner.ts'
import type { Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import { inMs, type Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { dropHandovers } from './handovers.ts'
import { releaseBehind } from './holds.ts'
import { settleState } from './job-states.ts'
import { lockRun, type LockedRun } from './lock-run.ts'
import { noteEnding } from './note-ending.ts'
import { leaveRoom } from './wait-for-room.ts'

export type Lease = { readonly runner: RunnerId; readonly token: string; readonly leaseMs: number }

/** To start a run is to lease it to a runner; every other move ends the lease, and some say why. */
export type Move =
  | { readonly move: 'start'; readonly lease: Lease }
  | { readonly move: 'break' | 'fail'; readonly error: RunError | null }
  | { readonly move: 'again' | 'lose'; readonly again: Again }
  | { readonly move: Exclude<RunMove, 'start' | 'break' | 'fail' | 'again' | 'lose'> }

/** Why a run is begun once more, after which pause, and what the attempt before came to. */
export type Again = {
  readonly reason: string
  readonly pauseMs: number
  readonly state: 'failed' | 'errored'
  readonly exitCode: number | null
}

/**
 * Make one move of the state table, announce it, and wake the jobs and the runs that wait for it.
 *
 * The only function that writes `runs.state`. The row is locked, so of two moves at once the second one sees the first.
 *
 * @throws {Problem} `run-not-found`, or `illegal-move` when its state knows no such move.
 */
export async function moveRun(tx: Tx, id: RunId, move: Move): Promise<RunState> {
  const run = await lockRun(tx.db, id)
  const to = after(run.state, move.move)
  if (to === null)
    throw new Problem('illegal-move', `run ${id} is ${run.state}; it cannot ${move.move}`, {
      state: run.state,
    })
  const lease = move.move === 'start' ? move.lease : null
  const again = 'again' in move ? move.again : null
  if (again) await keepAttempt(tx.db, run, again)
  await tx.db
    .updateTable('runs')
    .set({
      state: to,
      runner_id: lease ? lease.runner : LEAVES.includes(move.move) ? null : undefined,
      // Each lease counts its reports from 1.
      heard_seq: lease ? 0 : undefined,
      taken_at: lease ? sql<Date>`now()` : undefined,
      lease_token: lease && lease.token,
      lease_until: lease && inMs(lease.leaseMs),
      started_at: lease ? startedAt(run) : undefined,
      ended_at: isFinal(to) ? sql<Date>`now()` : null,
      held: null,
      hold_key: null,
      error: 'error' in move && move.error ? toJson(move.error) : undefined,
      not_before: again && again.pauseMs > 0 ? inMs(again.pauseMs) : null,
      ...(again ? { ...ANEW, again: again.reason } : {}),
    })
    .where('id', '=', id)
    .execute()
  if (run.state === 'waiting') await closeGate(tx.db, id)
  if (run.state === 'running')
    await closeSteps(tx.db, { id, attempt: run.attempt, to: again ? again.state : to })
  if (isFinal(to)) {
    await dropHandovers(tx.db, id, null)
    if (to === 'succeeded') await settleState(tx, run)
    await noteEnding(tx, run, to)
  }
  if (move.move !== 'start' && move.move !== 'resume') await releaseBehind(tx, run)
  if (run.state === 'running') await leaveRoom(tx, run)
  const { project, pipeline, lane, job, state: from } = run
  tx.emit({ kind: 'run.moved', project, pipeline, lane, job, run: id, from, to })
  return to
}

/** Moves after which a run is between two runners. */
const LEAVES: readonly RunMove[] = ['hold', 'yield']

/** A run that goes on behind a gate began when its first part did. */
const startedAt = ({ handover_id }: LockedRun) =>
  handover_id === null ? sql<Date>`now()` : sql<Date>`coalesce(started_at, now())`

/** What the attempt before said of itself is not the next one's. */
const ANEW = {
  attempt: sql<number>`attempt + 1`,
  heard_seq: 0,
  error: null,
  exit_code: null,
  values_out: null,
  usage: null,
}

const keepAttempt = (db: Trx, run: LockedRun, { state, reason, exitCode }: Again) =>
  db
    .insertInto('attempts')
    .values({
      run_id: run.id,
      attempt: run.attempt,
      state,
      reason,
      exit_code: exitCode,
      runner_id: run.runner_id,
      started_at: run.started_at,
    })
    .execute()

/** Who decides at a gate closes it before the run goes on; what is open still was waited at for nothing. */
const closeGate = (db: Trx, id: RunId) =>
  db
    .updateTable('gates')
    .set({ state: 'withdrawn', closed_at: sql<Date>`now()` })
    .where('run_id', '=', id)
    .where('state', '=', 'waiting')
    .execute()

/** Nothing of a run that stopped is still running: what was under way shares its fate, what was not reached is skipped. */
async function closeSteps(
  db: Trx,
  { id, attempt, to }: { id: RunId; attempt: number; to: RunState },
): Promise<void> {
  const fate =
    to === 'cancelled'
      ? 'cancelled'
      : to === 'succeeded'
        ? 'succeeded'
        : to === 'failed'
          ? 'failed'
          : 'errored'
  for (const table of ['steps', 'commands'] as const) {
    const open = db.updateTable(table).where('run_id', '=', id).where('attempt', '=', attempt)
    await open
      .set({ state: fate, ended_at: sql<Date>`now()` })
      .where('state', '=', 'running')
      .execute()
    await open.set({ state: 'skipped' }).where('state', '=', 'queued').execute()
  }
}
