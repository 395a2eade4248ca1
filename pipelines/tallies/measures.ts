/** What is counted as runs end. */
export const MEASURES = [
  'succeeded',
  /** It failed, and its job may. */
  'allowed',
  'failed',
  'errored',
  'cancelled',
  /** How long a run waited until a runner took it, without what it waited for people. */
  'waited',
  /** How long it held a slot. */
  'busy',
  /** From when its commit was known to the end that delivered it. */
  'lead',
  'deployed',
  'deploy_failed',
  /** From the first deployment that failed to the next that did not. */
  'restored',
] as const
export type Measure = (typeof MEASURES)[number]

/** An hour or a day of UTC. */
export type Grain = 'hour' | 'day'
export const GRAINS: readonly Grain[] = ['hour', 'day']
export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
const LENGTH_MS: Readonly<Record<Grain, number>> = { hour: HOUR_MS, day: DAY_MS }

/** When the hour or the day began in which something was. */
export const beginOf = (grain: Grain, atMs: number): number => atMs - (atMs % LENGTH_MS[grain])
export const lengthMs = (grain: Grain): number => LENGTH_MS[grain]
