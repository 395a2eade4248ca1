import { type Cron, parseCron } from '../language/cron.ts'
import { parseDuration } from '../language/duration.ts'

/** A schedule as a file writes it: five fields, or a span. */
type Schedule = { readonly schedule: string; readonly timezone: string }

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** No zone ever moved its clocks but at a border of these. */
const QUARTER_MS = 15 * MINUTE_MS
/** The 29th of February comes within eight years, also around a year such as 2100. */
const MOST_DAYS = 366 * 9

/**
 * The first time of a schedule after a moment, in milliseconds; null where there is none within years.
 *
 * Where clocks are put forward, what would have come in between comes at the moment they are; where they are put back, what names
 * its hour comes once, the first time. A span counts from the moment.
 */
export function timeAfter({ schedule, timezone }: Schedule, afterMs: number): number | null {
  const spanMs = parseDuration(schedule)
  if (spanMs !== null) return spanMs > 0 ? afterMs + spanMs : null
  const cron = parseCron(schedule)
  if ('problem' in cron) return null
  const wall = wallOf(timezone)
  for (let dayMs = minuteAfter(afterMs), days = 0; days < MOST_DAYS; days++, dayMs = startOfNext(dayMs)) {
    const [found] = withinDay(cron, wall, dayMs)
    if (found !== undefined) return found
  }
  return null
}

/** What is missed and what is not: the times of a schedule up to a moment, oldest first, at most `most` of the last ones. */
export function timesUntil(
  schedule: Schedule,
  { fromMs, untilMs, most }: { readonly fromMs: number; readonly untilMs: number; readonly most: number },
): number[] {
  if (fromMs > untilMs) return []
  const spanMs = parseDuration(schedule.schedule)
  if (spanMs !== null && spanMs > 0) {
    const missed = Math.floor((untilMs - fromMs) / spanMs)
    return Array.from(
      { length: Math.min(missed + 1, most) },
      (_, back) => fromMs + (missed - back) * spanMs,
    ).toReversed()
  }
  return lastTimes(schedule, { fromMs, untilMs, most })
}

/** Looks back day by day, and no further than it must: a server may have been away for months. */
function lastTimes(
  { schedule, timezone }: Schedule,
  { fromMs, untilMs, most }: { readonly fromMs: number; readonly untilMs: number; readonly most: number },
): number[] {
  const cron = parseCron(schedule)
  if ('problem' in cron) return [fromMs]
  const wall = wallOf(timezone)
  const firstMs = minuteAfter(fromMs)
  let times: number[] = []
  for (let dayMs = startOf(untilMs); times.length < most; dayMs -= DAY_MS) {
    const ofDay = [...withinDay(cron, wall, Math.max(dayMs, firstMs))].filter((ms) => ms <= untilMs)
    times = [...ofDay, ...times]
    if (dayMs <= firstMs) return [fromMs, ...times].slice(-most)
  }
  return times.slice(-most)
}

const minuteAfter = (ms: number): number => Math.floor(ms / MINUTE_MS) * MINUTE_MS + MINUTE_MS
const startOf = (ms: number): number => Math.floor(ms / DAY_MS) * DAY_MS
const startOfNext = (ms: number): number => startOf(ms) + DAY_MS

/** A moment as the clocks on the wall of a zone show it, written as if they showed UTC. */
type Wall = (ms: number) => number

/** The times of a schedule from a moment to the end of its day of UTC. */
function* withinDay(cron: Cron, wall: Wall, fromMs: number): Generator<number> {
  // A day of UTC touches two days of a zone: both are looked at before a day is passed over.
  const ends = [fromMs, startOfNext(fromMs) - MINUTE_MS].map((ms) => wall(ms))
  if (!ends.some((ms) => isDayOf(cron, ms))) return
  let beforeMs = wall(fromMs - MINUTE_MS)
  for (let ms = fromMs; ms < startOfNext(fromMs); ms += MINUTE_MS) {
    const hereMs = wall(ms)
    // Forward by an hour: each minute that no clock showed is looked at, too.
    const skipped = hereMs - beforeMs - MINUTE_MS
    for (let shownMs = hereMs - Math.max(skipped, 0); shownMs <= hereMs; shownMs += MINUTE_MS)
      if (isMinuteOf(cron, shownMs) && !wasShown(cron, wall, { ms, shownMs })) {
        yield ms
        break
      }
    beforeMs = hereMs
  }
}

/** Whether clocks that were put back have shown this before, and the schedule names its hour. */
function wasShown(cron: Cron, wall: Wall, { ms, shownMs }: { ms: number; shownMs: number }): boolean {
  if (cron.hours.length === 24) return false
  const backMs = [30, 60, 120].map((minutes) => minutes * MINUTE_MS)
  return backMs.some((back) => wall(ms - back) === shownMs)
}

function isMinuteOf(cron: Cron, wallMs: number): boolean {
  const at = new Date(wallMs)
  return (
    cron.minutes.includes(at.getUTCMinutes()) &&
    cron.hours.includes(at.getUTCHours()) &&
    isDayOf(cron, wallMs)
  )
}

function isDayOf({ months, days, weekdays, eitherDay }: Cron, wallMs: number): boolean {
  const at = new Date(wallMs)
  if (!months.includes(at.getUTCMonth() + 1)) return false
  const isDay = days.includes(at.getUTCDate())
  const isWeekday = weekdays.includes(at.getUTCDay())
  return eitherDay ? isDay || isWeekday : isDay && isWeekday
}

/** A moment as the clocks of a zone show it: `2026-11-22 03:00`. */
export function wallTime(timezone: string, ms: number): string {
  return new Date(wallOf(timezone)(ms)).toISOString().slice(0, 16).replace('T', ' ')
}

const walls = new Map<string, Wall>()

function wallOf(zone: string): Wall {
  const known = walls.get(zone)
  if (known) return known
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' },
  })
  const offsetAt = (quarterMs: number): number => {
    const part = new Map(format.formatToParts(quarterMs).map(({ type, value }) => [type, Number(value)]))
    const of = (type: Intl.DateTimeFormatPartTypes) => part.get(type) ?? 0
    const shown = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'))
    return shown - quarterMs
  }
  const offsets = new Map<number, number>()
  const wall: Wall = (ms) => {
    const quarterMs = Math.floor(ms / QUARTER_MS) * QUARTER_MS
    const offset = offsets.get(quarterMs) ?? offsetAt(quarterMs)
    if (offsets.size > 1_000) offsets.clear()
    offsets.set(quarterMs, offset)
    return ms + offset
  }
  walls.set(zone, wall)
  return wall
}
