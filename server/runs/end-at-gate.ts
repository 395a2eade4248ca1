import { hasLastWords } from '#pipelines/plan/parts.ts'
import type { Ending } from '#pipelines/wire/plan.ts'
import { toJson } from '../db/to-json.ts'
import type { Tx } from '../db/transact.ts'
import { jobOfRun } from './job-of-run.ts'
import type { LockedRun } from './lock-run.ts'
import { moveRun } from './move.ts'

/**
 * A run comes to its end where no runner has it: at a gate, or on its way to the next runner. Where steps of it had run, a runner
 * goes on with what they left and runs the hooks of that end first; else it ends here.
 */
export async function endAtGate(tx: Tx, run: LockedRun, ending: Ending): Promise<void> {
  const hasBegun = run.handover_id !== null && run.started_at !== null
  const job = hasBegun ? await jobOfRun(tx.db, run) : undefined
  if (run.ending !== null || !job || !hasLastWords(job, ending.state)) return moveToEnd(tx, run, ending)
  await tx.db
    .updateTable('runs')
    .set({ ending: toJson(ending), gate_step: null, not_before: null, held: null, hold_key: null })
    .where('id', '=', run.id)
    .execute()
  if (run.state === 'waiting') await moveRun(tx, run.id, { move: 'resume' })
  else if (run.state === 'running') await moveRun(tx, run.id, { move: 'yield' })
  else tx.emit({ kind: 'run.progressed', project: run.project, pipeline: run.pipeline, run: run.id })
}

const MOVES = { failed: 'fail', errored: 'break' } as const

/** The run's end itself, whoever had it last. */
export async function moveToEnd(tx: Tx, { id }: LockedRun, { state, error }: Ending): Promise<void> {
  await moveRun(tx, id, state === 'cancelled' ? { move: 'cancel' } : { move: MOVES[state], error })
}
