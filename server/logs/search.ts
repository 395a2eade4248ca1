import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { RunId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import type { Pattern } from './line-finder.ts'
import { logOf } from './read.ts'
import type { Batch } from './search-thread.ts'

export type Wanted = { readonly words: string; readonly isPattern: boolean; readonly isExact: boolean }
export type FoundLines = {
  /** Lines that have it, all of them counted. */
  total: number
  /** The first ones, in the order of the log. */
  readonly lines: { readonly step: number; readonly line: number }[]
}

const MOST_LINES = 10_000
/** A search that takes longer than this gets nowhere: what it looks for cannot be looked for. */
const MOST_MS = 15_000
/** Each has a thread of its own. */
const MOST_AT_ONCE = 4
const PIECES = 64
let underWay = 0

/**
 * All lines of a run's log that have something, whatever its length: as people read them, without colours. Lines count from 0
 * within their steps.
 *
 * @throws {Problem} `bad-search`, `search-too-slow`, `too-many-requests`.
 */
export async function searchLog(
  db: Db,
  run: RunId,
  { attempt, wanted, quit }: { attempt: number; wanted: Wanted; quit: AbortSignal },
): Promise<FoundLines> {
  const pattern = patternOf(wanted)
  if (underWay >= MOST_AT_ONCE)
    throw new Problem('too-many-requests', `${MOST_AT_ONCE} logs are being searched; try again in a moment`)
  underWay++
  const thread = new Worker(new URL('search-thread.ts', import.meta.url), { workerData: pattern })
  const patience = AbortSignal.timeout(MOST_MS)
  try {
    return await searchSteps(db, run, { attempt, thread, over: AbortSignal.any([patience, quit]) })
  } catch (cause) {
    if (patience.aborted)
      throw new Problem(
        'search-too-slow',
        `${quoted(wanted.words)} was looked for during ${MOST_MS / 1_000} s`,
      )
    throw cause
  } finally {
    underWay--
    await thread.terminate()
  }
}

const quoted = (words: string) => `\`${words.slice(0, 100)}\``

/** @throws {Problem} `bad-search`. */
function patternOf({ words, isPattern, isExact }: Wanted): Pattern {
  const source = isPattern ? words : words.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  const flags = isExact ? '' : 'i'
  try {
    new RegExp(source, flags)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^.*: /, '') : 'it cannot be read'
    throw new Problem('bad-search', `${quoted(words)} is no regular expression: ${why}`)
  }
  return { source, flags }
}

type Searching = { readonly attempt: number; readonly thread: Worker; readonly over: AbortSignal }

async function searchSteps(db: Db, run: RunId, { attempt, thread, over }: Searching): Promise<FoundLines> {
  const log = await logOf(db, run, attempt)
  const found: FoundLines = { total: 0, lines: [] }
  for (const { step, attempt: by, lines, bytes } of log?.steps ?? []) {
    let behind = -1
    for (let more = bytes > 0; more;) {
      over.throwIfAborted()
      const pieces = await piecesBehind(db, run, { attempt: by, step, behind })
      more = pieces.length === PIECES
      behind = pieces.at(-1)?.first_byte ?? behind
      const batch: Batch = { pieces, last: more ? null : lines - 1 }
      const answered = once(thread, 'message', { signal: over })
      thread.postMessage(batch)
      const [numbers]: number[][] = await answered
      for (const line of numbers ?? []) if (found.lines.length < MOST_LINES) found.lines.push({ step, line })
      found.total += numbers?.length ?? 0
    }
  }
  return found
}

const piecesBehind = (
  db: Db,
  run: RunId,
  { attempt, step, behind }: { attempt: number; step: number; behind: number },
) =>
  db
    .selectFrom('log_chunks')
    .select(['first_byte', 'first_line', 'bytes', 'raw_bytes', 'raw_lines'])
    .where('run_id', '=', run)
    .where('attempt', '=', attempt)
    .where('step', '=', step)
    .where('first_byte', '>', behind)
    .orderBy('first_byte')
    .limit(PIECES)
    .execute()
