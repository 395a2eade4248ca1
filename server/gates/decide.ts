import { sql } from 'kysely'
import type { GateId } from '#pipelines/ids.ts'
import { fillForm } from '#pipelines/language/form-values.ts'
import type { GateState } from '#pipelines/states.ts'
import { ownIn } from '#pipelines/own-in.ts'
import type { Db, Trx } from '../db/connect.ts'
import { storable, toJson } from '../db/to-json.ts'
import { transact, type Tx } from '../db/transact.ts'
import { noteWarnings } from '../policies/note-warning.ts'
import { Problem } from '../problem.ts'
import { lockRun, type LockedRun } from '../runs/lock-run.ts'
import { endAtGate } from '../runs/end-at-gate.ts'
import { jobOfRun } from '../runs/job-of-run.ts'
import { advance } from './advance.ts'
import { type Decider, standingAt } from './may-decide.ts'

export type Decision = {
  readonly verdict: 'approve' | 'reject'
  /** What the gate's form asks for. */
  readonly values: Readonly<Record<string, unknown>> | null
  readonly comment: string | null
}

/**
 * Somebody says yes or no at a gate. Of those who say it at once, one after the other is heard: who comes when it is decided is told so.
 *
 * @throws {Problem} `gate-not-found`; `gate-closed`; `not-allowed`; `already-decided`; `bad-input`; `other-answers`.
 */
export async function decide(db: Db, id: GateId, who: Decider, decision: Decision): Promise<void> {
  await transact(db, async (tx) => {
    const { run, gate } = await lockGate(tx.db, id)
    if (gate.state !== 'waiting' || gate.over) throw closed(id, gate)
    const { refusal, warned } = await standingAt(tx.db, gate, who)
    if (refusal !== null) throw new Problem('not-allowed', refusal)
    if (warned) await noteWarnings(tx.db, gate.run_id, [warned])
    const answers = decision.verdict === 'approve' ? agreed(gate, decision.values) : null
    await writeDecision(tx.db, { id, who, decision })
    if (answers === null) return reject(tx, { run, gate }, { who, comment: decision.comment })
    await approve(tx, { run, gate }, answers)
  })
}

/** A gate and its run, both locked: the run first, as everywhere. @throws {Problem} `gate-not-found`. */
export async function lockGate(db: Trx, id: GateId): Promise<{ run: LockedRun; gate: GateRow }> {
  const found = await db.selectFrom('gates').select('run_id').where('id', '=', id).executeTakeFirst()
  if (!found) throw new Problem('gate-not-found', `there is no gate ${id}`)
  const run = await lockRun(db, found.run_id)
  return { run, gate: await gateRow(db, id) }
}

const gateRow = (db: Trx, id: GateId) =>
  db
    .selectFrom('gates')
    .selectAll()
    .select(sql<boolean>`coalesce(expires_at <= clock_timestamp(), false)`.as('over'))
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
export type GateRow = Awaited<ReturnType<typeof gateRow>>

function closed(id: GateId, { state }: GateRow): Problem {
  const words = state === 'waiting' ? 'its time is over' : `it is ${state}`
  return new Problem('gate-closed', `gate ${id} takes no decision any more: ${words}`, { state })
}

/**
 * What all who approve say yes to: who comes first fills the form in, and who comes later agrees to just that, or says nothing of it.
 *
 * @throws {Problem} `bad-input`, `other-answers`.
 */
function agreed(gate: GateRow, values: Decision['values']): Readonly<Record<string, string>> {
  if (gate.answers !== null && values === null) return gate.answers
  const filled = fillForm(gate.form, values ?? {})
  if ('problems' in filled) {
    const words = filled.problems.map(({ field, message }) => `${field}: ${message}`).join('; ')
    throw new Problem('bad-input', words, { problems: filled.problems })
  }
  const { answers } = gate
  const other =
    answers && Object.keys(filled.values).find((field) => filled.values[field] !== ownIn(answers, field))
  if (other === undefined || other === null) return filled.values
  throw new Problem(
    'other-answers',
    `\`${other}\` was filled in with \`${ownIn(answers, other)?.slice(0, 100)}\` by who approved before; approve that, or reject`,
  )
}

type Deciding = { readonly id: GateId; readonly who: Decider; readonly decision: Decision }

/** @throws {Problem} `already-decided`. */
async function writeDecision(db: Trx, { id, who, decision: { verdict, comment } }: Deciding): Promise<void> {
  const written = await db
    .insertInto('gate_decisions')
    .values({
      ...{ gate_id: id, user_id: who.id, by_name: who.name, verdict },
      comment: comment === null ? null : storable(comment),
    })
    .onConflict((oc) => oc.doNothing())
    .returning('gate_id')
    .executeTakeFirst()
  if (!written) throw new Problem('already-decided', `gate ${id} has your decision; it waits for others`)
}

type AtGate = { readonly run: LockedRun; readonly gate: GateRow }

async function reject(
  tx: Tx,
  { run, gate }: AtGate,
  { who, comment }: { readonly who: Decider; readonly comment: string | null },
): Promise<void> {
  await closeGate(tx, { run, gate }, 'rejected')
  const message = `rejected by ${who.name}${comment === null ? '' : `: ${comment}`}`
  await endAtGate(tx, run, { state: 'failed', error: { code: 'rejected', message } })
}

async function approve(
  tx: Tx,
  { run, gate }: AtGate,
  answers: Readonly<Record<string, string>>,
): Promise<void> {
  await tx.db
    .updateTable('gates')
    .set({ answers: toJson(answers) })
    .where('id', '=', gate.id)
    .execute()
  const { yes } = await tx.db
    .selectFrom('gate_decisions')
    .select((eb) => eb.fn.countAll<number>().as('yes'))
    .where('gate_id', '=', gate.id)
    .where('verdict', '=', 'approve')
    .executeTakeFirstOrThrow()
  if (Number(yes) < gate.count) return tell(tx, { run, gate }, 'waiting')
  await pass(tx, { run, gate }, { state: 'approved', answers })
}

type Passing = {
  readonly state: 'approved' | 'passed'
  readonly answers: Readonly<Record<string, string>>
}

/** What the gate waited for has come: its run goes on with what was filled in. */
export async function pass(tx: Tx, { run, gate }: AtGate, { state, answers }: Passing): Promise<void> {
  const job = await jobOfRun(tx.db, run)
  if (!job) throw new Error(`the revision of run ${run.id} has no job ${run.job}`)
  await closeGate(tx, { run, gate }, state)
  await advance(tx, run, { job, step: gate.step, answers })
}

/** The end of a gate, before its run moves on. */
export async function closeGate(tx: Tx, { run, gate }: AtGate, state: GateState): Promise<void> {
  await tx.db
    .updateTable('gates')
    .set({ state, closed_at: sql<Date>`now()` })
    .where('id', '=', gate.id)
    .execute()
  tell(tx, { run, gate }, state)
}

function tell(tx: Tx, { run, gate }: AtGate, state: GateState): void {
  const { project, pipeline } = run
  tx.emit({ kind: 'gate.decided', project, pipeline, run: run.id, gate: gate.id, state })
}
