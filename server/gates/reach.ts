import { sql } from 'kysely'
import { partAt } from '#pipelines/plan/parts.ts'
import type { Carried } from '#pipelines/wire/plan.ts'
import type { Trx } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'
import { endAttempt } from '../runs/end-attempt.ts'
import { endAtGate } from '../runs/end-at-gate.ts'
import { completeHandover, dropHandovers } from '../runs/handovers.ts'
import { jobOfRun } from '../runs/job-of-run.ts'
import type { LockedRun } from '../runs/lock-run.ts'
import { openAt } from './open.ts'

/**
 * A runner has done what stands before a gate and handed the workspace over: the run waits there from now on, and nobody has it.
 * One that says so without having sent the workspace, or where no gate is ahead, has failed with its run.
 */
export async function reachGate(tx: Tx, run: LockedRun, carried: Carried): Promise<void> {
  const job = await jobOfRun(tx.db, run)
  const gate = job ? partAt(job, run.position).gate : null
  const place = { position: gate ?? -1, checkpoint: null, carried }
  await dropUnreached(tx.db, run)
  const handover = await completeHandover(tx.db, run, place)
  if (gate === null || handover === null) return endAttempt(tx, run, NOTHING_HANDED)
  await tx.db
    .updateTable('runs')
    .set({ handover_id: handover, position: gate, gate_step: gate })
    .where('id', '=', run.id)
    .execute()
  await dropHandovers(tx.db, run.id, handover)
  const reached = { ...run, handover_id: handover, position: gate, gate_step: gate }
  // It was asked to end while it handed over.
  if (run.cancel_at) return endAtGate(tx, reached, { state: 'cancelled', error: null })
  await openAt(tx, reached, gate)
}

const NOTHING_HANDED = {
  move: 'break',
  error: {
    code: 'runner_failed',
    message: 'The runner went to a gate without having handed the workspace over.',
  },
  exitCode: null,
} as const

/** Hooks and the runner's last step stand behind the run's last part: this one had no use for them. */
async function dropUnreached(db: Trx, { id, attempt }: LockedRun): Promise<void> {
  await db
    .deleteFrom('steps')
    .where('run_id', '=', id)
    .where('attempt', '=', attempt)
    .where('state', '=', 'queued')
    .execute()
  await sql`delete from commands where run_id = ${id} and attempt = ${attempt} and not exists (
    select from steps where steps.run_id = commands.run_id and steps.attempt = commands.attempt
      and steps.step = commands.step)`.execute(db)
}
