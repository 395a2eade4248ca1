import type { RunState } from '#pipelines/states.ts'
import type { RunSummary } from './api.ts'

/** In this order: a matrix is what the first of these is that one of its legs is. */
const TOGETHER: readonly RunState[] = [
  'running',
  'waiting',
  'queued',
  'failed',
  'errored',
  'cancelled',
  'succeeded',
  'skipped',
]

/** The newest run of every leg of a matrix, in the order in which the legs were made; `runs` come newest first. */
export function legsOf(runs: readonly RunSummary[], batch: number): RunSummary[] {
  const legs = new Map<string, RunSummary>()
  for (const run of runs.toReversed()) if (run.batch === batch) legs.set(legName(run), run)
  return [...legs.values()]
}

/** The values of a leg in words: `node 22, os linux`; empty where a run is no leg. */
export const legName = ({ matrix }: Pick<RunSummary, 'matrix'>): string =>
  Object.entries(matrix ?? {})
    .map(([axis, value]) => `${axis} ${value}`)
    .join(', ')

/** What the legs of a matrix are together; null where there are none. */
export const stateOfLegs = (legs: readonly RunSummary[]): RunState | null =>
  TOGETHER.find((state) => legs.some((leg) => leg.state === state)) ?? null

/** How many legs are through, of how many: `3/4`. */
export const legCount = (legs: readonly RunSummary[]): string =>
  `${legs.filter(({ state }) => state === 'succeeded' || state === 'skipped').length}/${legs.length}`
