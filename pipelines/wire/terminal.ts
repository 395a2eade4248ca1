import { z } from 'zod'
import type { RunId } from '../ids.ts'

/**
 * What is said about terminals: between a person and the server over the WebSocket at `/terminal`, and between the server and
 * the runner over the connection that they have. The server passes on, and keeps nothing.
 *
 * Keys and screen travel as bytes: in bare binary frames between person and server, behind a head (`encodeTerminal`) between
 * server and runner. Both directions are windows of credit: whoever receives says with `room` how many of the bytes it got
 * it has dealt with, and nobody sends more than `TERMINAL_WINDOW_BYTES` beyond that. A slow reader thus slows its own program.
 */
export const TERMINAL_WINDOW_BYTES = 128 * 1024
/** A frame holds at most this much. */
export const TERMINAL_FRAME_BYTES = 16 * 1024
/** A failed run's container is kept at most so long. */
export const MOST_HOLD_MS = 12 * 3_600_000

const runId = z
  .number()
  .int()
  .positive()
  .transform((value) => value as RunId)
/** The terminal's number, the same on both connections. */
const terminal = z
  .number()
  .int()
  .positive()
  .max(2 ** 32 - 1)
const size = { columns: z.number().int().min(1).max(1_000), rows: z.number().int().min(1).max(1_000) }
const bytes = z.number().int().positive().max(TERMINAL_WINDOW_BYTES)
const opening = {
  /** Of the container, where the run has several; null means the job's. */
  image: z.string().max(1_000).nullable(),
  /** Empty: the image's best shell. */
  command: z.array(z.string().max(10_000)).max(100),
  ...size,
}
const ending = { exitCode: z.number().int().nullable(), reason: z.string().max(1_000).nullable() }

/** What the server tells a runner to do. */
export const TerminalOrder = z.discriminatedUnion('say', [
  z.object({ say: z.literal('terminal.open'), terminal, run: runId, ...opening }),
  z.object({ say: z.literal('terminal.resize'), terminal, ...size }),
  z.object({ say: z.literal('terminal.room'), terminal, bytes }),
  /** The person has gone: end what runs in it. */
  z.object({ say: z.literal('terminal.close'), terminal }),
  /** A run whose container was kept is needed no more. */
  z.object({ say: z.literal('release'), run: runId }),
])
export type TerminalOrder = z.output<typeof TerminalOrder>
export type OpenTerminal = Extract<TerminalOrder, { say: 'terminal.open' }>

/** What a runner says to that. */
export const TerminalWord = z.discriminatedUnion('say', [
  z.object({ say: z.literal('terminal.opened'), terminal }),
  z.object({ say: z.literal('terminal.room'), terminal, bytes }),
  /** Its program has ended, or there could be none: `reason` says why, in words. Said exactly once, behind its last bytes. */
  z.object({ say: z.literal('terminal.closed'), terminal, ...ending }),
  /** The runs that have ended and whose containers are kept, all of them; said after `welcome` and whenever it changes. */
  z.object({
    say: z.literal('holding'),
    runs: z.array(z.object({ run: runId, leftMs: z.number().int().min(0).max(MOST_HOLD_MS) })).max(1_000),
  }),
])
export type TerminalWord = z.output<typeof TerminalWord>

const TERMINAL_WORDS: ReadonlySet<string> = new Set(TerminalWord.options.map(({ shape }) => shape.say.value))
export const isTerminalWord = (said: { readonly say: string }): said is TerminalWord =>
  TERMINAL_WORDS.has(said.say)
const TERMINAL_ORDERS: ReadonlySet<string> = new Set(
  TerminalOrder.options.map(({ shape }) => shape.say.value),
)
export const isTerminalOrder = (said: { readonly say: string }): said is TerminalOrder =>
  TERMINAL_ORDERS.has(said.say)

/** What the person's side says. Hanging up closes the terminal. */
export const VisitorSays = z.discriminatedUnion('say', [
  /** The first word, once. */
  z.object({ say: z.literal('open'), run: runId, ...opening }),
  z.object({ say: z.literal('resize'), ...size }),
  z.object({ say: z.literal('room'), bytes }),
])
export type VisitorSays = z.output<typeof VisitorSays>

/** What the server says to the person's side. After `refused` and `closed` it hangs up. */
export const HostSays = z.discriminatedUnion('say', [
  z.object({ say: z.literal('opened'), terminal }),
  z.object({ say: z.literal('room'), bytes }),
  z.object({ say: z.literal('closed'), ...ending }),
  z.object({ say: z.literal('refused'), code: z.string(), reason: z.string() }),
])
export type HostSays = z.output<typeof HostSays>

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
