import { z } from 'zod'
import type { RunId } from '../ids.ts'
import { TERMINAL_WINDOW_BYTES } from './terminal-frames.ts'

/**
 * What is said about terminals: between a person and the server over the WebSocket at `/terminal`, and between the server and
 * the runner over the connection that they have. The server passes on, and keeps nothing.
 *
 * Keys and screen travel as bytes: in bare binary frames between person and server, behind a head (`encodeTerminal`) between
 * server and runner. Both directions are windows of credit: whoever receives says with `room` how many of the bytes it got
 * it has dealt with, and nobody sends more than `TERMINAL_WINDOW_BYTES` beyond that. A slow reader thus slows its own program.
 */
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
