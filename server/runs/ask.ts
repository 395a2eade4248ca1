import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import { isFinal, type RunState } from '#pipelines/states.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { endAtGate } from './end-at-gate.ts'
import { lockRun, type LockedRun } from './lock-run.ts'

/**
 * A person asks for a run to end. A queued one ends at once, but for hooks behind what it has done; a running one when its runner has stopped it, so that its last
 * words are kept.
 *
 * @throws {Problem} `illegal-move` when it has ended already.
 */
export async function cancelRun(db: Db, id: RunId, reason: string): Promise<void> {
  await transact(db, async (tx) => {
    const run = await lockRun(tx.db, id)
    if (isFinal(run.state))
      throw new Problem('illegal-move', `run ${id} has ${run.state} already`, { state: run.state })
    await end(tx, run, reason)
  })
}

/** The line asks for a run to end. One that has ended meanwhile, or is none of `only` any more, is left alone. */
export async function askToEnd(
  tx: Tx,
  id: RunId,
  { reason, only }: { reason: string; only: readonly RunState[] | null },
): Promise<void> {
  const run = await lockRun(tx.db, id)
  if (isFinal(run.state) || (only && !only.includes(run.state))) return
  await end(tx, run, reason)
}

async function end(tx: Tx, run: LockedRun, reason: string): Promise<void> {
  await tx.db
    .updateTable('runs')
    // While hooks run behind a gate, to ask is to ask for their end.
    .set({
      cancel_at: sql<Date>`case when ending is null then coalesce(cancel_at, now()) else now() end`,
      cancel_reason: reason,
    })
    .where('id', '=', run.id)
    .execute()
  if (run.state === 'running')
    tx.emit({ kind: 'run.progressed', project: run.project, pipeline: run.pipeline, run: run.id })
  else await endAtGate(tx, run, { state: 'cancelled', error: null })
}
