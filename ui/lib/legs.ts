import type { Leg, RunSummary } from './api.ts'
import { runLook, type RunLook, together } from './state-words.ts'

/** In this order: a matrix is what the first of these is that one of its legs is. */
const TOGETHER: readonly RunLook[] = [
  'running',
  'waiting',
  'queued',
  'failed',
  'errored',
  'cancelled',
  'allowed',
  'flawed',
  'succeeded',
  'skipped',
]

/** The values of a leg in words: `node 22, os linux`; empty where a run is no leg. */
export const legName = ({ matrix }: Pick<RunSummary, 'matrix'>): string =>
  Object.entries(matrix ?? {})
    .map(([axis, value]) => `${axis} ${value}`)
    .join(', ')

/** What the newest run of a job looks like, all legs of its matrix together; null where it never ran. */
export function jobLook({ legs, last_run }: { legs: readonly Leg[]; last_run: Leg | null }): RunLook | null {
  if (legs.length > 0) return together(legs.map(runLook), TOGETHER)
  return last_run && runLook(last_run)
}

/** How many legs the line goes on behind, of how many: `3/4`. */
export const legCount = (legs: readonly Leg[]): string =>
  `${legs.filter(({ state, allowed }) => allowed || state === 'succeeded' || state === 'skipped').length}/${legs.length}`
