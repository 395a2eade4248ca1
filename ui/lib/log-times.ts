/** What stands before the lines of a log: nothing, the time since their step or their run began, or the clock. */
export const LOG_TIMES = ['none', 'step', 'run', 'clock'] as const
export type LogTimes = (typeof LOG_TIMES)[number]

export const TIMES_WORDS: Readonly<Record<LogTimes, string>> = {
  none: 'No times',
  step: 'Step time',
  run: 'Run time',
  clock: 'Clock',
}

/** `12.345`, `1:02.345`, `1:00:02.345` since a time; `12:03:04.123` of the clock, in the reader's zone. */
export function lineTime(at: string, since: string | null): string {
  if (since === null) return clock(new Date(at))
  const ms = Math.max(0, Date.parse(at) - Date.parse(since))
  const [hours, minutes, rest] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, ms % 60_000]
  const seconds = (rest / 1_000).toFixed(3)
  if (hours > 0) return `${hours}:${String(minutes).padStart(2, '0')}:${seconds.padStart(6, '0')}`
  return minutes > 0 ? `${minutes}:${seconds.padStart(6, '0')}` : seconds
}

const clock = (at: Date): string =>
  `${[at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')}.${String(at.getMilliseconds()).padStart(3, '0')}`

/** The zone that the clock is read in: `UTC+1`. */
export function zoneName(): string {
  const parts = new Intl.DateTimeFormat(undefined, { timeZoneName: 'short' }).formatToParts(new Date())
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'UTC'
}
