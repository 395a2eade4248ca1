import type { RunId } from '#pipelines/ids.ts'
import { isFinal } from '#pipelines/states.ts'
import { countLines } from '#pipelines/wire/log-frames.ts'
import type { LiveSays, LogPosition } from '#pipelines/wire/live.ts'
import type { Db } from '../db/connect.ts'
import type { LogHub } from '../logs/hub.ts'
import { type Chunk, chunksFrom, logOf, type Place } from '../logs/read.ts'

type Piece = Omit<Extract<LiveSays, { say: 'log' }>, 'say' | 'watch'>

const PAGE = 16
/** How long to wait for a word of this process before looking whether another one wrote something. */
const LOOK_MS = 500

/**
 * A run's log from a position on, as long as it grows: the pieces of each step in order, without gaps, those of steps that speak
 * at the same time in turns. A new attempt begins at its first byte; of what it goes on from nothing is said twice.
 *
 * Ends when the run is final and everything was read, when there is no such run, or when `quit` aborts.
 */
export async function* tail(
  { db, hub }: { db: Db; hub: LogHub },
  { run, from }: { run: RunId; from: LogPosition | null },
  quit: AbortSignal,
): AsyncGenerator<Piece> {
  let grown = Promise.withResolvers<void>()
  const wake = () => grown.resolve()
  const off = hub.on(run, wake)
  quit.addEventListener('abort', wake)
  try {
    let attempt = from?.attempt
    const ends = new Map(from?.ends)
    while (!quit.aborted) {
      grown = Promise.withResolvers()
      // The state is read before the chunks: what a final run said was there before it was final.
      const log = await logOf(db, run)
      if (!log) return
      if (attempt !== log.attempt) forgetBut(goneOnFrom(log.steps, attempt ?? 0), ends)
      attempt = log.attempt
      const behind = log.steps.filter(({ step, bytes }) => bytes > (ends.get(step) ?? 0))
      for (const { step, attempt: by } of behind) {
        const at = { attempt: by, step, offset: ends.get(step) ?? 0 }
        for (const chunk of await chunksFrom(db, run, at, PAGE)) {
          const piece = { ...cut(chunk, at), attempt }
          yield piece
          ends.set(step, piece.end)
        }
      }
      if (behind.length > 0) continue
      if (isFinal(log.state)) return
      const look = setTimeout(wake, LOOK_MS)
      await grown.promise
      clearTimeout(look)
    }
  } finally {
    off()
    quit.removeEventListener('abort', wake)
  }
}

type OfAttempt = { readonly step: number; readonly attempt: number }

/** What a reader who knows the log up to an attempt has of a later one: the steps that are not done again. */
const goneOnFrom = (steps: readonly OfAttempt[], known: number): ReadonlySet<number> =>
  new Set(steps.filter(({ attempt }) => attempt <= known).map(({ step }) => step))

function forgetBut(steps: ReadonlySet<number>, ends: Map<number, number>): void {
  for (const step of [...ends.keys()]) if (!steps.has(step)) ends.delete(step)
}

/** The part of a chunk that a reader at a place does not have yet. */
function cut(chunk: Chunk, { attempt, step, offset }: Place): Piece {
  const skip = Math.max(0, offset - chunk.firstByte)
  const bytes = chunk.bytes.subarray(skip)
  return {
    ...{ attempt, step },
    offset: chunk.firstByte + skip,
    end: chunk.firstByte + chunk.bytes.length,
    firstLine: chunk.firstLine + countLines(chunk.bytes.subarray(0, skip)),
    text: bytes.toString('utf8'),
    at: chunk.at.toISOString(),
  }
}
