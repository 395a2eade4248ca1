import { z } from 'zod'
import { lease, LOG_CHUNK_BYTES, runId, seq, step } from './runner.ts'

/** Log that travels and lies packed (zstd): what it becomes. Nobody opens it before it is read, so that this is counted where it was said. */
export const Packed = z
  .object({
    bytes: z.number().int().min(1).max(LOG_CHUNK_BYTES),
    /** The line ends in it. */
    lines: z.number().int().min(0),
    /** The last byte is not a line end. */
    open: z.boolean(),
  })
  .refine(({ bytes, lines, open }) => (open ? lines < bytes : lines > 0 && lines <= bytes), {
    error: 'so many line ends do not fit so many bytes',
  })
export type Packed = z.output<typeof Packed>

/** The head of a binary frame: which run's log the bytes behind it belong to. */
export const LogHead = z.object({ run: runId, lease, seq, step, packed: Packed.optional() })
export type LogHead = z.output<typeof LogHead>

/** A log frame: the head's length as 4 bytes big-endian, the head as JSON, the log's own bytes, which may be in several parts. */
export function encodeLog(head: LogHead, ...parts: readonly Uint8Array[]): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(head))
  const size = parts.reduce((sum, { length }) => sum + length, 0)
  const frame = new Uint8Array(4 + json.length + size)
  new DataView(frame.buffer).setUint32(0, json.length)
  frame.set(json, 4)
  let at = 4 + json.length
  for (const part of parts) {
    frame.set(part, at)
    at += part.length
  }
  return frame
}

/** @returns The parts of a log frame, or null where the bytes are no such frame. `bytes` is a view, not a copy. */
export function decodeLog(frame: Uint8Array): { head: LogHead; bytes: Uint8Array } | null {
  if (frame.length < 4) return null
  const length = new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getUint32(0)
  if (length > 1_000 || frame.length < 4 + length) return null
  const head = LogHead.safeParse(parseJson(new TextDecoder().decode(frame.subarray(4, 4 + length))))
  const bytes = frame.subarray(4 + length)
  // What is packed is smaller than before, or it would not have been: a reader needs no more memory than for log that is not.
  const most = head.data?.packed?.bytes ?? LOG_CHUNK_BYTES
  return head.success && bytes.length <= most ? { head: head.data, bytes } : null
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON: the schema that reads the result refuses it
  }
}

const LINE_END = 0x0a
const FOUR_LINE_ENDS = 0x0a0a_0a0a
const LOW_BITS = 0x7f7f_7f7f
/** Four counters of a byte each hold so many rounds. */
const ROUNDS = 255

/** The line ends in some bytes. Four bytes are looked at in one step: a log of 100 MB has a million line ends. */
export function countLines(bytes: Uint8Array): number {
  const head = -bytes.byteOffset & 3
  if (bytes.length < head + 4) return countOneByOne(bytes, 0, bytes.length)
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + head, (bytes.length - head) >> 2)
  let lines = countOneByOne(bytes, 0, head) + countOneByOne(bytes, head + words.length * 4, bytes.length)
  for (let from = 0; from < words.length; from += ROUNDS) {
    const until = Math.min(words.length, from + ROUNDS)
    let sums = 0
    for (let at = from; at < until; at++) {
      const other = (words[at] ?? 0) ^ FOUR_LINE_ENDS
      // The top bit of each byte that is 0, and of no other.
      sums += ~(((other & LOW_BITS) + LOW_BITS) | other | LOW_BITS) >>> 7
    }
    lines += (sums & 0xff) + ((sums >>> 8) & 0xff) + ((sums >>> 16) & 0xff) + (sums >>> 24)
  }
  return lines
}

function countOneByOne(bytes: Uint8Array, from: number, until: number): number {
  let lines = 0
  for (let at = from; at < until; at++) if (bytes[at] === LINE_END) lines++
  return lines
}

/** Whether the last byte of some is not a line end. */
export const isOpen = (bytes: Uint8Array): boolean => bytes.at(-1) !== LINE_END
