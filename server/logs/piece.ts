import { zstdDecompressSync } from 'node:zlib'
import { countLines, isOpen, type Packed } from '#pipelines/wire/log-frames.ts'

/** A part of a step's log as it is stored, with the counts of what was said. */
export type Piece = Packed & {
  readonly stored: Buffer
  /** Whether what is stored must be opened to be read. */
  readonly packed: boolean
}

export const plainPiece = (said: Buffer): Piece => ({
  stored: said,
  packed: false,
  bytes: said.length,
  lines: countLines(said),
  open: isOpen(said),
})

/** As the runner has counted it: `opened` finds out whether that was true. */
export const packedPiece = (stored: Buffer, of: Packed): Piece => ({ stored, packed: true, ...of })

/** From here on what a runner said lies in memory of its own, or in Node's pool of small buffers. */
export const LONG_BYTES = 16 * 1024

/**
 * Give back the memory in which pieces came, when they are written down: a long log leaves it behind faster than the collector
 * looks for it. Short pieces stay: they may lie beside others.
 */
export function giveBack(pieces: readonly Piece[]): void {
  for (const { stored } of pieces)
    if (stored.length >= LONG_BYTES && !isPooled(stored) && stored.buffer instanceof ArrayBuffer)
      stored.buffer.transfer(0)
}

/** Buffers of up to half its size Node cuts out of memory that is always as long as this. */
const isPooled = ({ buffer }: Buffer) => buffer.byteLength === Buffer.poolSize

export type StoredPiece = {
  readonly bytes: Buffer
  readonly raw_bytes: number | null
  readonly raw_lines: number | null
}

/**
 * What was said, of a piece as it is stored. Packed ones are strangers' bytes: a piece that does not become what its runner
 * has counted, or more, is not shown. Words as long as it, with as many line ends, stand in its place, so that all behind it
 * stay where they are.
 */
export function opened({ bytes, raw_bytes, raw_lines }: StoredPiece): Buffer {
  if (raw_bytes === null || raw_lines === null) return bytes
  const raw = unpacked(bytes, raw_bytes)
  if (raw?.length === raw_bytes && countLines(raw) === raw_lines) return raw
  return placeholder(raw_bytes, raw_lines)
}

function unpacked(bytes: Buffer, most: number): Buffer | null {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: most, chunkSize: Math.max(64, most) })
  } catch {
    return null // not packed as it should be, or more than was said: its reader is told in words
  }
}

const UNREADABLE = '[A part of the log cannot be shown: it is not what its runner said it was.]'

function placeholder(bytes: number, lines: number): Buffer {
  const shown = Buffer.alloc(bytes, ' ')
  shown.fill('\n', bytes - lines)
  shown.write(UNREADABLE, 0, Math.max(0, bytes - lines))
  return shown
}
