import { backoffMs } from '../backoff.ts'

/**
 * How long to wait before calling again: doubling from 100 ms to 5 s, spread by `chance` (0 to 1) so that a thousand callers
 * of a server that came back do not all call in the same instant.
 *
 * @param attempt  Failed calls so far, from 0.
 */
export function redialMs(attempt: number, chance: number): number {
  const fullMs = backoffMs(attempt, { firstMs: 100, mostMs: 5_000 })
  return Math.round(fullMs * (0.5 + chance / 2))
}
