import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import { againAfter } from '#pipelines/plan/again.ts'
import type { Db } from '../db/connect.ts'
import { storable } from '../db/to-json.ts'
import { inMs, transact, type Tx } from '../db/transact.ts'
import { lockGate, pass } from '../gates/decide.ts'
import { fail } from '../gates/fail.ts'
import type { Claimed } from './claim-calls.ts'
import type { Outcome } from './judge.ts'

type Attempted = { readonly call: Claimed; readonly attempt: number }

const MOST_WORDS = 1_000
const MOST_ANSWER = 4_096
/** A service that asks for more patience than this is asked again all the same. */
const MOST_PATIENCE_MS = 10 * 60_000

/** Say what came of an attempt, and what of its run: it goes on, the request is sent once more, or that was that. */
export async function settleCall(db: Db, { call, attempt }: Attempted, outcome: Outcome): Promise<void> {
  await transact(db, async (tx) => {
    const at = await lockGate(tx.db, call.gate)
    if (!(await note(tx, { call, attempt }, outcome))) return // another server has it, and has said that this was lost
    tx.emit({ kind: 'run.progressed', project: at.run.project, pipeline: at.run.pipeline, run: at.run.id })
    if (at.gate.state !== 'waiting') return
    const again = await againOf(tx, { call, attempt }, outcome)
    await tx.db
      .updateTable('acts')
      .set({ taken_until: null, due_at: again === null ? null : inMs(again) })
      .where('gate_id', '=', call.gate)
      .execute()
    if (again !== null) return
    if (outcome.state === 'good') return pass(tx, at, { state: 'passed', answers: outcome.outputs })
    const words = `${call.spec.service}: ${outcome.words ?? 'the call failed'}`
    const error = { code: outcome.code ?? 'call_failed', message: storable(words).slice(0, MOST_WORDS) }
    await fail(tx, at, { state: outcome.state, error })
  })
}

/** @returns False where the attempt was given up by another server. */
async function note(tx: Tx, { call, attempt }: Attempted, outcome: Outcome): Promise<boolean> {
  const { state, status, words, answer } = outcome
  const noted = await tx.db
    .updateTable('call_attempts')
    .set({
      ...{ state, status, ended_at: sql<Date>`clock_timestamp()` },
      words: words === null ? null : storable(words.slice(0, MOST_WORDS)),
      answer: answer === null ? null : storable(answer.slice(0, MOST_ANSWER)),
    })
    .where('gate_id', '=', call.gate)
    .where('attempt', '=', attempt)
    .where('state', '=', 'running')
    .executeTakeFirst()
  return noted.numUpdatedRows > 0n
}

/** After which pause the request is sent once more; null where its end is final. What a server did not end is not the service’s doing. */
async function againOf(tx: Tx, { call }: Attempted, outcome: Outcome): Promise<number | null> {
  if (outcome.state === 'good' || outcome.isFinal) return null
  const { tries } = await tx.db
    .selectFrom('call_attempts')
    .select(sql<number>`count(*)::int`.as('tries'))
    .where('gate_id', '=', call.gate)
    .where('state', '<>', 'lost')
    .executeTakeFirstOrThrow()
  const move = outcome.state === 'failed' ? 'fail' : 'break'
  const ended = { attempt: tries, move, code: outcome.code, message: outcome.words, exitCode: null } as const
  const again = againAfter(call.spec.retry, ended, randomInt(1_000) / 1_000)
  return again && Math.max(again.pauseMs, Math.min(outcome.patienceMs, MOST_PATIENCE_MS))
}
