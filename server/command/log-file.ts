import { mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** A program's log: JSON lines, and what a dying program says besides. */
export type LogLine = Readonly<Record<string, unknown>>
/** A log file and the byte where the present life of its program begins. */
export type LogPlace = { readonly path: string; readonly from: number }

const MOST_BYTES = 20_000_000

/** Open a log for appending. A large one makes way first, and the one before it is given up. */
export async function openLog(
  path: string,
): Promise<{ place: LogPlace; file: Awaited<ReturnType<typeof open>> }> {
  await mkdir(dirname(path), { recursive: true })
  const before = await stat(path).catch(() => null) // there is none before the first start
  const full = before !== null && before.size > MOST_BYTES
  if (full) await rename(path, `${path}.1`)
  return { place: { path, from: full ? 0 : (before?.size ?? 0) }, file: await open(path, 'a', 0o600) }
}

/** The first line that fits, waited for until `signal` aborts; then null. */
export async function awaitLine(
  place: LogPlace,
  fits: (line: LogLine) => boolean,
  signal: AbortSignal,
): Promise<LogLine | null> {
  while (!signal.aborted) {
    const found = (await linesOf(place)).map(parsed).find((line) => line !== null && fits(line))
    if (found) return found
    await delay(25, undefined, { signal }).catch(() => {}) // aborted: the loop sees it
  }
  return null
}

/** What the program said last in this life, as far as it is for people. */
export async function lastWords(place: LogPlace): Promise<string> {
  // A stack is for us, and it is in the file.
  const lines = (await linesOf(place)).filter((line) => line.trim() !== '' && !/^\s+at /.test(line)).slice(-8)
  return lines.map((line) => wordsOf(parsed(line)) ?? line).join('\n')
}

/** The constant name of a line. */
export const nameOf = (line: LogLine): unknown => line['msg']

function wordsOf(line: LogLine | null): string | null {
  if (!line) return null
  const error = line['err']
  const inside = typeof error === 'object' && error !== null && 'message' in error ? error.message : undefined
  const words = [line['reason'], inside, line['error'], nameOf(line)].find((part) => typeof part === 'string')
  return typeof words === 'string' ? words : null
}

async function linesOf({ path, from }: LogPlace): Promise<string[]> {
  const bytes = await readFile(path)
  return bytes.subarray(from).toString('utf8').split('\n')
}

function parsed(line: string): LogLine | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : null
  } catch {
    return null // a line that is not finished yet, or words of Node itself
  }
}
