import type { RunId } from '#pipelines/ids.ts'
import type { Matrix } from '#pipelines/language/pipeline.ts'
import { legsOf } from '#pipelines/plan/matrix.ts'
import type { Tx } from '../db/transact.ts'
import { createRun, type NewRun } from './create-run.ts'

/** All legs of a job's matrix, or the one run of a job that has none. @returns The first one. */
export async function createLegs(tx: Tx, matrix: Matrix | null, run: NewRun): Promise<RunId> {
  const legs = matrix ? (legsOf(matrix) ?? []) : []
  const [values, ...others] = legs
  const first = await createRun(tx, { ...run, leg: values ? { values, batch: null } : null })
  for (const leg of others) await createRun(tx, { ...run, leg: { values: leg, batch: first } })
  return first
}
