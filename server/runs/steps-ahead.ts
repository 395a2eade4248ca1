import type { z } from 'zod'
import type { RunId } from '#pipelines/ids.ts'
import { nameOf } from '#pipelines/plan/compile-steps.ts'
import { isGate } from '#pipelines/plan/gates.ts'
import { stepsAhead } from '#pipelines/plan/parts.ts'
import type { Db } from '../db/connect.ts'
import { jobOfRun } from './job-of-run.ts'
import { placedRun } from './lock-run.ts'
import type { StepAhead } from './shapes.ts'

/** What a run still has before it that no runner has been given, as its file names it; of a job without gates that is nothing. */
export async function aheadOf(db: Db, id: RunId): Promise<z.output<typeof StepAhead>[]> {
  const run = await placedRun(db, id).executeTakeFirst()
  if (!run || run.ending) return []
  const { state, position, gate_step: gate } = run
  if (state !== 'queued' && state !== 'running' && state !== 'waiting') return []
  const job = await jobOfRun(db, run)
  if (!job) return []
  return stepsAhead(job, { state, position, gate }).map((step) => ({
    ...{ name: step.name ?? nameOf(step), gate: isGate(step) },
  }))
}
