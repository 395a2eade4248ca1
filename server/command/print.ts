import type { RunState } from '#pipelines/states.ts'
import type { Config } from './config.ts'

export const out = (line: string): void => void process.stdout.write(`${line}\n`)
/** For people who watch; programs read standard output. */
export const note = (line: string): void => void process.stderr.write(`${line}\n`)
export const outJson = (value: unknown): void => out(JSON.stringify(value, null, 2))

/** What comes from commits and logs is shown as text: a terminal obeys control characters, whoever wrote them. */
// oxlint-disable-next-line no-control-regex
export const plain = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')

/** The same of words that may have several lines, which stay lines. */
export const plainLines = (text: string): string => text.split('\n').map(plain).join('\n')

/** Columns under their headings, two spaces apart; the last one as long as it likes. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [headings, ...rows.map((row) => row.map(plain))]
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return cells.map((row) => line(row).trimEnd()).join('\n')
}

const COLOURS: Partial<Record<string, number>> = {
  succeeded: 32,
  failed: 31,
  errored: 35,
  running: 34,
  waiting: 33,
  error: 31,
  warning: 33,
} satisfies Partial<Record<RunState | 'error' | 'warning', number>>

/** The states' own words, in colour where that helps. The word is always there. */
export function painted(text: string, config: Pick<Config, 'colours'>): string {
  if (!config.colours) return text
  const words = new RegExp(`\\b(${Object.keys(COLOURS).join('|')})\\b`, 'g')
  return text.replace(words, (word) => `\u001b[${COLOURS[word]}m${word}\u001b[0m`)
}

/** `2m 5s`, `840ms`, or nothing before the beginning. An open end is counted until `now`. */
export function lasted(from: string | null, to: string | null, now = Date.now()): string {
  if (from === null) return ''
  const ms = (to === null ? now : Date.parse(to)) - Date.parse(from)
  if (ms < 1_000) return `${Math.max(0, ms)}ms`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`
  return `${Math.floor(seconds / 3_600)}h ${Math.floor((seconds % 3_600) / 60)}m`
}

/** Local time to the second, as `2026-03-01 14:05:09`. */
export function localTime(iso: string): string {
  const time = new Date(iso)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-')
  return `${day} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`
}

/** Lines under a heading, after an empty one; nothing where there are none. */
export const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)]

/** The first twelve letters of a commit hash; other names whole. */
export const short = (version: string): string =>
  /^[0-9a-f]{40}$/.test(version) ? version.slice(0, 12) : version
