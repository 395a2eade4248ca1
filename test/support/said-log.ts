import { zstdDecompressSync } from 'node:zlib'
import { decodeLog, type LogHead } from '#pipelines/wire/log-frames.ts'

/** What a log frame says, opened where it is packed. @throws {Error} Where it is no log frame. */
export function saidLog(frame: Uint8Array): { head: LogHead; bytes: Buffer } {
  const read = decodeLog(frame)
  if (!read) throw new Error('these bytes are no log frame')
  const { head, bytes } = read
  return { head, bytes: head.packed ? zstdDecompressSync(bytes) : Buffer.from(bytes) }
}
