import type { RunId } from '#pipelines/ids.ts'
import { isFinal } from '#pipelines/states.ts'
import { countLines } from '#pipelines/wire/log-frames.ts'
import type { LiveSays, LogPosition } from '#pipelines/wire/live.ts'
import type { Db } from '../db/connect.ts'
import type { LogHub } from '../logs/hub.ts'
import { type Chunk, chunksFrom, logOf } from '../logs/read.ts'

type Piece = Omit<Extract<LiveSays, { say: 'log' }>, 'say' | 'watch'>

const PAGE = 16
/** How long to wait for a word of this process before looking whether another one wrote something. */
const LOOK_MS = 500

/**
 * A run's log from a position on, as long as it grows: pieces in order, without gaps. A new attempt begins at its first byte.
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
    for (let at = from; !quit.aborted;) {
      grown = Promise.withResolvers()
      // The state is read before the chunks: what a final run said was there before it was final.
      const log = await logOf(db, run)
      if (!log) return
      if (at?.attempt !== log.attempt) at = { attempt: log.attempt, step: 0, offset: 0 }
      const chunks = await chunksFrom(db, run, at, PAGE)
      for (const chunk of chunks) {
        const piece = cut(chunk, at)
        yield piece
        at = { attempt: at.attempt, step: piece.step, offset: piece.end }
      }
      if (chunks.length > 0) continue
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

/** The part of a chunk that a reader at `from` does not have yet. */
function cut(chunk: Chunk, from: LogPosition): Piece {
  const skip = chunk.step === from.step ? Math.max(0, from.offset - chunk.firstByte) : 0
  const bytes = chunk.bytes.subarray(skip)
  return {
    attempt: from.attempt,
    step: chunk.step,
    offset: chunk.firstByte + skip,
    end: chunk.firstByte + chunk.bytes.length,
    firstLine: chunk.firstLine + countLines(chunk.bytes.subarray(0, skip)),
    text: bytes.toString('utf8'),
    at: chunk.at.toISOString(),
  }
}
