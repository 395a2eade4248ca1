import { randomInt } from 'node:crypto'
import { againAfter, type EndedAttempt, LOST } from '#pipelines/plan/again.ts'
import type { RunError } from '#pipelines/wire/runner.ts'
import type { Trx } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'
import { moveToEnd } from './end-at-gate.ts'
import { jobOfRun } from './job-of-run.ts'
import type { LockedRun } from './lock-run.ts'
import { type Again, moveRun } from './move.ts'

type Ended = {
  readonly move: 'succeed' | 'fail' | 'break' | 'cancel'
  readonly error: RunError | null
  readonly exitCode: number | null
}

/** An attempt has come to its end: the run has, too, or its job says that it is tried again. What a person ended stays ended. */
export async function endAttempt(tx: Tx, run: LockedRun, { move, error, exitCode }: Ended): Promise<void> {
  await tx.db.updateTable('runs').where('id', '=', run.id).set({ exit_code: exitCode }).execute()
  if (run.ending) return moveToEnd(tx, run, run.ending)
  if (move === 'succeed' || move === 'cancel') return void (await moveRun(tx, run.id, { move }))
  const again = await nextAttempt(tx.db, run, { move, error, exitCode })
  await moveRun(tx, run.id, again ? { move: 'again', again } : { move, error })
}

/** The runner went silent. That was the machine's part, whatever the run was about to do. */
export async function loseAttempt(tx: Tx, run: LockedRun): Promise<void> {
  if (run.cancel_at && !run.ending) return void (await moveRun(tx, run.id, { move: 'cancel' }))
  const ended = { move: 'break', error: SILENT, exitCode: null } as const
  const again = await nextAttempt(tx.db, run, ended)
  if (again) return void (await moveRun(tx, run.id, { move: 'lose', again }))
  if (run.ending) return moveToEnd(tx, run, run.ending)
  const message = `The runner went silent${inWords(run.attempt)}. Look at the runner's log and its machine; then retry.`
  await moveRun(tx, run.id, { move: 'break', error: { code: LOST, message } })
}

const SILENT: RunError = { code: LOST, message: 'the runner went silent' }
const inWords = (attempt: number) => (attempt > 1 ? ` in the last of ${attempt} attempts` : '')

type Unsuccessful = Omit<Ended, 'move'> & Pick<EndedAttempt, 'move'>

async function nextAttempt(
  db: Trx,
  run: LockedRun,
  { move, error, exitCode }: Unsuccessful,
): Promise<Again | null> {
  if ((run.cancel_at && !run.ending) || run.attempt >= run.attempts_most) return null
  const job = await jobOfRun(db, run)
  const { code = null, message = null } = error ?? {}
  const ended = { attempt: run.attempt, move, code, message, exitCode }
  const again = againAfter(job?.retry ?? null, ended, randomInt(1_000) / 1_000)
  return again && { ...again, state: move === 'fail' ? 'failed' : 'errored', exitCode }
}
