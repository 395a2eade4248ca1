import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { GateId, RunId } from '#pipelines/ids.ts'
import { openingOf, type OpenGate } from '#pipelines/plan/gates.ts'
import { gateAt } from '#pipelines/plan/parts.ts'
import { serverGoes } from '../catalog/maintenance.ts'
import { itsPipelineGoes } from '../catalog/pauses.ts'
import type { Db } from '../db/connect.ts'
import { storable, toJson } from '../db/to-json.ts'
import { inMs, transact, type Tx } from '../db/transact.ts'
import { lockRun, type LockedRun } from '../runs/lock-run.ts'
import { endAtGate } from '../runs/end-at-gate.ts'
import { moveRun } from '../runs/move.ts'
import { valuesFor } from '../runs/plan-of.ts'
import { jobOfRun } from '../runs/job-of-run.ts'
import { advance } from './advance.ts'
import { beginAct, withCallbacks } from './begin-act.ts'

/** So many gates are opened before others have their turn. */
const AT_ONCE = 100

/** Open the gates of runs whose turn it is. @returns Whether there may be more. */
export async function openGates(db: Db): Promise<boolean> {
  const due = await db
    .selectFrom('runs')
    .select('id')
    .where('state', '=', 'queued')
    .where('gate_step', 'is not', null)
    .where('held', 'is', null)
    .where('not_before', 'is', null)
    .where(itsPipelineGoes)
    .where(serverGoes)
    .orderBy('id')
    .limit(AT_ONCE)
    .execute()
  for (const { id } of due) await transact(db, (tx) => openGate(tx, id))
  return due.length === AT_ONCE
}

/** One gate of a run that still stands before it: of two servers that look at once, the second one finds it open. */
async function openGate(tx: Tx, id: RunId): Promise<void> {
  const run = await lockRun(tx.db, id)
  if (run.state !== 'queued' || run.gate_step === null || run.held !== null || run.not_before !== null) return
  await openAt(tx, run, run.gate_step)
}

/** A run comes to the gate at `step`: from the queue, or from the runner that did what stands before it. */
export async function openAt(tx: Tx, run: LockedRun, step: number): Promise<void> {
  const job = await jobOfRun(tx.db, run)
  const gate = job && gateAt(job, step)
  if (!gate) return breakRun(tx, run, `The run's revision has no gate to open for \`${run.job}\`.`)
  const key = randomUUID()
  const values = await valuesFor(tx.db, run, job)
  const opening = openingOf(gate, gate.kind === 'call' ? withCallbacks(values, job, key) : values)
  if ('impossible' in opening) return breakRun(tx, run, opening.impossible)
  if ('skip' in opening) {
    await insertSkipped(tx, { run, step, kind: gate.kind }, opening)
    return advance(tx, run, { job, step, answers: {} })
  }
  const opened = await insertGate(tx, { run, step }, opening.gate)
  if (opening.gate.act) await beginAct(tx.db, { run: run.id, gate: opened, key }, opening.gate.act)
  await moveRun(tx, run.id, { move: 'hold' })
  tx.emit({ kind: 'gate.opened', project: run.project, pipeline: run.pipeline, run: run.id, gate: opened })
}

const breakRun = (tx: Tx, run: LockedRun, message: string): Promise<void> =>
  endAtGate(tx, run, { state: 'errored', error: { code: 'plan_impossible', message } })

type At = { readonly run: LockedRun; readonly step: number }

async function insertGate(tx: Tx, { run, step }: At, gate: OpenGate): Promise<GateId> {
  const { name, kind, words, by, count, author, message, form, onExpire, withinMs, until } = gate
  const { id } = await tx.db
    .insertInto('gates')
    .values({
      ...{ run_id: run.id, step, name: storable(name), kind, words: storable(words), deciders: [...by] },
      ...{ count, author, message: message && storable(message), form: toJson(form) },
      on_expire: onExpire,
      expires_at: until !== null ? new Date(until) : withinMs !== null ? inMs(withinMs) : null,
      closed_at: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

async function insertSkipped(
  tx: Tx,
  { run, step, kind }: At & { readonly kind: OpenGate['kind'] },
  { name, skip }: { readonly name: string; readonly skip: string },
): Promise<void> {
  await tx.db
    .insertInto('gates')
    .values({
      ...{ run_id: run.id, step, name: storable(name), kind, state: 'skipped', words: storable(skip) },
      ...{ deciders: [], count: 1, author: true, form: '[]', on_expire: 'reject' },
      closed_at: sql<Date>`now()`,
    })
    .execute()
}
