/** What the shell's one stream of bytes consists of: the commands' own output, and between it the script's marks. */
export type Token =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A command is about to begin; `code` is the exit code of the one before it in the step. */
  | { readonly kind: 'command'; readonly step: number; readonly command: number; readonly code: number }
  /** A step's subshell ended, and everything of it has been said. */
  | { readonly kind: 'end'; readonly step: number; readonly code: number }
  /** What the shell has to say of itself and of what a step left. */
  | { readonly kind: 'note'; readonly step: number; readonly name: string; readonly value: number }

const RS = 0x1e
/** What stands between a mark's nonce and its end: `step.command:code`, `step:code` or `step/name:value`. */
const INSIDE = /^(\d{1,6})(?:\.(\d{1,6})|\/([a-z]{1,8}))?:(\d{1,16})$/
const LONGEST = 1 + 32 + 1 + 6 + 1 + 8 + 1 + 16 + 1

/**
 * Take the marks of `nonce` out of a stream of bytes, across the borders of its chunks.
 *
 * Every other byte passes as it is and in order; only what may still become a mark is held back, until more comes or the
 * stream ends. Control characters that are not our marks are output like any other.
 */
export async function* tokens(chunks: AsyncIterable<Uint8Array>, nonce: string): AsyncGenerator<Token, void> {
  const start = Buffer.from(`\x1e${nonce}:`)
  let held: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    const whole =
      held.length > 0
        ? Buffer.concat([held, chunk])
        : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    held = Buffer.from(yield* cut(whole, start)) // a copy: the chunk is good until more is asked for
  }
  if (held.length > 0) yield { kind: 'bytes', bytes: held }
}

/** @returns The rest that may be the beginning of a mark. */
function* cut(whole: Buffer, start: Buffer): Generator<Token, Buffer> {
  let from = 0
  let at = whole.indexOf(RS)
  while (at !== -1) {
    const end = endOfMark(whole, at, start)
    if (end === 'unknown') break
    if (end === 'none') {
      at = whole.indexOf(RS, at + 1)
      continue
    }
    if (at > from) yield { kind: 'bytes', bytes: whole.subarray(from, at) }
    yield parse(whole.toString('latin1', at + start.length, end))
    from = end + 1
    at = whole.indexOf(RS, from)
  }
  const until = at === -1 ? whole.length : at
  if (until > from) yield { kind: 'bytes', bytes: whole.subarray(from, until) }
  return whole.subarray(until)
}

/** The index of the closing sign of the mark that begins at `at`, or whether it can be none or not be told yet. */
function endOfMark(whole: Buffer, at: number, start: Buffer): number | 'none' | 'unknown' {
  const seen = whole.subarray(at, at + start.length)
  if (!start.subarray(0, seen.length).equals(seen)) return 'none'
  const window = whole.subarray(at, at + LONGEST)
  const end = window.indexOf(RS, start.length)
  if (end === -1) return window.length < LONGEST ? 'unknown' : 'none'
  return INSIDE.test(window.toString('latin1', start.length, end)) ? at + end : 'none'
}

function parse(text: string): Token {
  const [, place, command, name, number] = INSIDE.exec(text) ?? []
  const step = Number(place)
  const code = Number(number)
  if (name !== undefined) return { kind: 'note', step, name, value: code }
  return command === undefined
    ? { kind: 'end', step, code }
    : { kind: 'command', step, command: Number(command), code }
}
