import { constants, zstdCompressSync } from 'node:zlib'
import { countLines, isOpen, type Packed } from '#pipelines/wire/log-frames.ts'
import { LOG_CHUNK_BYTES } from '#pipelines/wire/runner.ts'
import { giveBack } from './give-back.ts'

/** What a person watches as it is printed comes in pieces smaller than this: packing them gains nothing. */
const LEAST_BYTES = 4 * 1024
/** Packed less than this the other side's work with it is not worth it. */
const WORTH_IT = 0.9

/** The fastest level that finds repetitions as builds print them. */
const params = { [constants.ZSTD_c_compressionLevel]: 1 }
/**
 * The most that so many bytes become (zstd's own bound, and a little). Into memory that holds as much zstd writes straight from where
 * the bytes lie; into less it goes by two tables of its own, and copies all of it twice.
 */
const boundOf = (size: number) => size + (size >> 8) + 1_024

/** Where parts become one; nothing waits in it. */
let table: Buffer | null = null
/** What was packed last. */
let lent: Uint8Array | null = null

/**
 * Pack a piece of log: packed it costs everybody behind it (socket, server, database) a fraction, and packing costs less than that.
 *
 * Done at once and in this thread, at a gigabyte a second: the thread pool takes twice the processor's time for it.
 *
 * @param size  Of the parts together; at most `LOG_CHUNK_BYTES`.
 * @returns Null where it is sent as it is. The bytes are good until the next call.
 */
export function packLog(
  parts: readonly Uint8Array[],
  size: number,
): { readonly of: Packed; readonly bytes: Uint8Array } | null {
  if (size < LEAST_BYTES) return null
  if (lent) giveBack(lent)
  const whole = joined(parts, size)
  const bytes = (lent = zstdCompressSync(whole, { params, chunkSize: boundOf(size) }))
  if (bytes.length > size * WORTH_IT) return null
  return { of: { bytes: size, lines: countLines(whole), open: isOpen(whole) }, bytes }
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = parts
  if (parts.length === 1 && only) return only
  table ??= Buffer.allocUnsafeSlow(LOG_CHUNK_BYTES)
  let at = 0
  for (const part of parts) {
    table.set(part, at)
    at += part.length
  }
  return table.subarray(0, size)
}
