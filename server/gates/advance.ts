import type { Job } from '#pipelines/language/pipeline.ts'
import { isAllGates, nextGate } from '#pipelines/plan/parts.ts'
import { toJson } from '../db/to-json.ts'
import type { Tx } from '../db/transact.ts'
import { labelsWith } from '../runs/create-run.ts'
import type { LockedRun } from '../runs/lock-run.ts'
import { moveRun } from '../runs/move.ts'
import { valuesFor } from '../runs/plan-of.ts'

type Passed = { readonly job: Job; readonly step: number; readonly answers: Readonly<Record<string, string>> }

/**
 * A gate is behind its run, which goes on: to the next gate, to the runners, or, where gates were all there is of its job, to its
 * end. Whoever calls has locked the run and closed the gate.
 */
export async function advance(tx: Tx, run: LockedRun, { job, step, answers }: Passed): Promise<void> {
  const next = nextGate(job, { from: step + 1, position: run.position })
  const all = { ...run.answers, ...answers }
  const values = await valuesFor(tx.db, { ...run, answers: all }, job)
  await tx.db
    .updateTable('runs')
    .set({
      gate_step: next,
      position: Math.max(run.position, step + 1),
      answers: Object.keys(all).length > 0 ? toJson(all) : null,
      // what was filled in may say on which machine it goes on
      runs_on: next === null ? labelsWith(job.runsOn, values) : undefined,
    })
    .where('id', '=', run.id)
    .execute()
  if (next === null && run.handover_id === null && isAllGates(job))
    await moveRun(tx, run.id, { move: 'succeed' })
  else if (run.state === 'waiting') await moveRun(tx, run.id, { move: 'resume' })
  else if (run.state === 'running') await moveRun(tx, run.id, { move: 'yield' })
  else tx.emit({ kind: 'run.progressed', project: run.project, pipeline: run.pipeline, run: run.id })
}
