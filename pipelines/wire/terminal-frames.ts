/** How terminals travel as bytes; `terminal.ts` says the rest, and when who may send them. */

/** So much may be under way in each direction. */
export const TERMINAL_WINDOW_BYTES = 128 * 1024
/** A frame holds at most this much. */
export const TERMINAL_FRAME_BYTES = 16 * 1024

/** No log frame begins like this: its head would be longer than any may be. */
const MAGIC = 0xffff_ffff
const HEAD_BYTES = 8

/** A terminal's bytes for the runner's connection: four bytes of ones, the terminal's number as four bytes big-endian, the bytes. */
export function encodeTerminal(number: number, content: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + content.length)
  const view = new DataView(frame.buffer)
  view.setUint32(0, MAGIC)
  view.setUint32(4, number)
  frame.set(content, HEAD_BYTES)
  return frame
}

/** @returns The parts of a terminal's frame, or null where the bytes are none. `content` is a view, not a copy. */
export function decodeTerminal(frame: Uint8Array): { terminal: number; content: Uint8Array } | null {
  if (frame.length < HEAD_BYTES || frame.length > HEAD_BYTES + TERMINAL_FRAME_BYTES) return null
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  if (view.getUint32(0) !== MAGIC) return null
  return { terminal: view.getUint32(4), content: frame.subarray(HEAD_BYTES) }
}

/** Cuts bytes into parts that fit into frames. */
export function* inFrames(content: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < content.length; from += TERMINAL_FRAME_BYTES)
    yield content.subarray(from, from + TERMINAL_FRAME_BYTES)
}
