/** A schedule of the clock: the minutes, hours, days, months and weekdays at which it comes, each as sorted numbers. */
export type Cron = {
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  /** 1 to 31. */
  readonly days: readonly number[]
  /** 1 to 12. */
  readonly months: readonly number[]
  /** 0 to 6 from Sunday; a written 7 is Sunday, too. */
  readonly weekdays: readonly number[]
  /** Where days and weekdays are both narrowed, either one is enough, as cron has always had it. */
  readonly eitherDay: boolean
}

type Field = {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly words?: readonly string[]
}
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const FIELDS: readonly Field[] = [
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12, words: MONTHS },
  { name: 'weekday', from: 0, to: 7, words: WEEKDAYS },
]
const LONGEST_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Five fields as crontab(5) has them: `*`, numbers, names, ranges, lists and steps. @returns What is wrong, in words, else the schedule. */
export function parseCron(text: string): Cron | { readonly problem: string } {
  const written = text.trim().split(/\s+/)
  if (written.length !== FIELDS.length || text.length > 200)
    return { problem: 'a schedule has five fields: minute, hour, day, month and weekday' }
  const sets: number[][] = []
  for (const [index, field] of FIELDS.entries()) {
    const numbers = parseField(written[index] ?? '', field)
    if (typeof numbers === 'string') return { problem: numbers }
    sets.push(numbers)
  }
  const [minutes = [], hours = [], days = [], months = [], weekdays = []] = sets
  const anyDay = days.length === 31
  const anyWeekday = weekdays.length === 7
  if (anyWeekday && !months.some((month) => (days[0] ?? 1) <= (LONGEST_MONTH[month - 1] ?? 31)))
    return { problem: 'no month of this schedule has such a day: it would never come' }
  return { minutes, hours, days, months, weekdays, eitherDay: !anyDay && !anyWeekday }
}

function parseField(text: string, field: Field): number[] | string {
  const found = new Set<number>()
  for (const part of text.split(',')) {
    const range = parsePart(part, field)
    if (typeof range === 'string') return range
    for (let value = range.from; value <= range.to; value += range.step)
      found.add(field.name === 'weekday' ? value % 7 : value)
  }
  return [...found].toSorted((a, b) => a - b)
}

function parsePart(part: string, field: Field): { from: number; to: number; step: number } | string {
  const [, first, last, every] = /^([a-z0-9]+|\*)(?:-([a-z0-9]+))?(?:\/(\d{1,2}))?$/i.exec(part) ?? []
  const bounds = `${field.name} goes from ${field.from} to ${field.to}`
  if (first === undefined || (first === '*' && last !== undefined))
    return `\`${part}\` is no ${field.name}: ${bounds}`
  const open = every === undefined ? null : field.to
  const from = first === '*' ? field.from : numberOf(first, field)
  const to = first === '*' ? field.to : last === undefined ? (open ?? from) : numberOf(last, field)
  const step = Number(every ?? 1)
  if (from === null || to === null) return `\`${part}\` is no ${field.name}: ${bounds}`
  if (from > to) return `\`${part}\` runs backwards`
  return step > 0 ? { from, to, step } : `\`${part}\`: a step is at least 1`
}

function numberOf(text: string, { from, to, words }: Field): number | null {
  const word = words?.indexOf(text.toLowerCase()) ?? -1
  if (word >= 0) return word + (from === 1 ? 1 : 0)
  if (!/^\d{1,2}$/.test(text)) return null
  const value = Number(text)
  return value >= from && value <= to ? value : null
}
