import { duration } from './time.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Steps that people count times in. */
const STEPS_MS = [
  ...[10, 20, 50, 100, 200, 500].map((ms) => ms),
  ...[1, 2, 5, 10, 15, 30].map((s) => s * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((m) => m * MINUTE),
  ...[1, 2, 4, 8, 12].map((h) => h * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((d) => d * DAY),
]
const MOST_TICKS = 4

/** Where the lines of a chart are, from 0 to at least its largest value. */
export function ticksOf(largest: number, kind: 'time' | 'count'): number[] {
  const step = kind === 'time' ? timeStep(largest) : countStep(largest)
  const count = Math.max(1, Math.ceil(largest / step - 1e-9))
  return Array.from({ length: count + 1 }, (_, index) => index * step)
}

const timeStep = (largest: number) => STEPS_MS.find((step) => largest <= step * MOST_TICKS) ?? 1_000 * DAY

function countStep(largest: number): number {
  const rough = Math.max(largest, 1) / MOST_TICKS
  const size = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10] as const).map((each) => each * size).find((each) => rough <= each) ?? 10 * size
  return largest <= 1 ? Math.max(step, 0.25) : largest <= MOST_TICKS ? Math.max(step, 0.5) : Math.max(step, 1)
}

/** A value beside a line of the chart: `15 m`, `2 h`, `1.5`. */
export const tickWords = (value: number, kind: 'time' | 'count'): string =>
  kind === 'time'
    ? value === 0
      ? '0'
      : duration(value)
          .replace(/ 00? ?\w+$/, '')
          .replace('.0 ', ' ')
    : number(value)

export const number = (value: number): string => value.toLocaleString(undefined, { maximumFractionDigits: 2 })

/** When an hour or a day of UTC was, as it stands below a chart. */
export const atWords = (at: string, grain: 'hour' | 'day'): string =>
  new Date(at).toLocaleString(undefined, {
    timeZone: 'UTC',
    ...(grain === 'day'
      ? { day: 'numeric', month: 'short' }
      : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
  })

/** The same in full: what a reader of the table needs. */
export const atInFull = (at: string, grain: 'hour' | 'day'): string =>
  new Date(at).toLocaleString(undefined, {
    timeZone: 'UTC',
    ...{ weekday: 'short', day: 'numeric', month: 'short' },
    ...(grain === 'hour' ? { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } : {}),
  })

/** How many of those that came to an end by themselves were green, `98.5 %`; null where none did. */
export function rateOf(counts: { succeeded: number; allowed: number; failed: number }): number | null {
  const green = counts.succeeded + counts.allowed
  return green + counts.failed === 0 ? null : green / (green + counts.failed)
}
export const percent = (part: number | null): string =>
  part === null
    ? '–'
    : `${(part === 1 || part === 0 ? 100 * part : Math.min(99.9, Math.max(0.1, 100 * part))).toFixed(part === 1 || part === 0 ? 0 : 1)} %`
