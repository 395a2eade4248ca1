import type { TestState } from './junit.ts'

/** How a test came out in one run, and on which versions. */
export type Outcome = { readonly run: number; readonly inputs: string; readonly state: TestState }
export type Marks = { readonly newFailure: boolean; readonly flaky: boolean }

/** So often a test has to change between green and red on one lane before it is called flaky: a break that was mended is two. */
const LEAST_FLIPS = 3

/**
 * What a result means, seen beside those before it.
 *
 * @param now     The result.
 * @param before  Earlier results of the same test on the lane, in the order of their runs. Skipped ones tell nothing.
 * @param twins   Results of other runs with exactly the same versions, wherever they ran.
 * @param first   Whether no run on the lane has reported tests before this one: then nothing is newly red.
 */
export function marksOf(
  now: Outcome,
  { before, twins, first }: { before: readonly Outcome[]; twins: readonly Outcome[]; first: boolean },
): Marks {
  const told = before.filter(({ state }) => state !== 'skipped')
  if (now.state === 'skipped') return { newFailure: false, flaky: false }
  const contradicted = twins.some(({ state }) => state !== 'skipped' && state !== now.state)
  const row = [...told, now]
  const flips = row.filter(({ state }, at) => at > 0 && state !== row[at - 1]?.state).length
  return {
    newFailure: now.state === 'failed' && !first && told.at(-1)?.state !== 'failed',
    flaky: contradicted || flips >= LEAST_FLIPS,
  }
}
