import { sql } from 'kysely'
import type { GateId } from '#pipelines/ids.ts'
import { fillForm } from '#pipelines/language/form-values.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { endAtGate } from '../runs/end-at-gate.ts'
import { closeGate, type GateRow, lockGate, pass } from './decide.ts'

/** Close the gates whose time is over. @returns How long until the next one's is, on the database's clock; null when there is none. */
export async function expireGates(db: Db): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from min(expires_at) - clock_timestamp())::float8 * 1000 as ms
    from gates where state = 'waiting' and expires_at is not null`.execute(db)
  const ms = rows[0]?.ms ?? null
  if (ms === null || ms > 0) return ms
  const over = await db
    .selectFrom('gates')
    .select('id')
    .where('state', '=', 'waiting')
    .where('expires_at', '<=', sql<Date>`clock_timestamp()`)
    .orderBy('expires_at')
    .limit(100)
    .execute()
  for (const { id } of over) await transact(db, (tx) => expire(tx, id))
  return 0
}

async function expire(tx: Tx, id: GateId): Promise<void> {
  const { run, gate } = await lockGate(tx.db, id)
  if (gate.state !== 'waiting' || !gate.over) return // somebody was quicker
  if (gate.kind === 'wait' && gate.on_expire === 'approve')
    return pass(tx, { run, gate }, { state: 'passed', answers: {} })
  const end = endOf(gate)
  if ('answers' in end) return pass(tx, { run, gate }, { state: 'passed', answers: end.answers })
  await closeGate(tx, { run, gate }, 'expired')
  await endAtGate(tx, run, { state: 'failed', error: end })
}

type End =
  { readonly answers: Readonly<Record<string, string>> } | { readonly code: string; readonly message: string }

/** What becomes of a gate at which nobody has decided: of a form that nobody filled in, what it presets. */
function endOf({ kind, on_expire, answers, form, words }: GateRow): End {
  if (kind !== 'approve') return { code: 'gate_expired', message: `nothing came in time; the run ${words}` }
  if (on_expire === 'reject')
    return { code: 'rejected', message: `rejected: nobody decided in time; the run ${words}` }
  if (on_expire === 'fail')
    return { code: 'gate_expired', message: `nobody decided in time; the run ${words}` }
  const filled = answers === null ? fillForm(form, {}) : { values: answers }
  if ('values' in filled) return { answers: filled.values }
  const wrong = filled.problems.map(({ field, message }) => `\`${field}\` ${message}`).join('; ')
  return { code: 'gate_expired', message: `nobody decided in time, and the form cannot go without: ${wrong}` }
}
