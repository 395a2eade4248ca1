/** What the shell's one stream of bytes consists of: the commands' own output, and between it the script's marks. */
export type Token =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A command is about to begin; `code` is the exit code of the one before it in the step. */
  | { readonly kind: 'command'; readonly step: number; readonly command: number; readonly code: number }
  /** A step's subshell ended. */
  | { readonly kind: 'end'; readonly step: number; readonly code: number }

const RS = 0x1e
/** `RS nonce:step.command:code RS`: 32 digits, three numbers of at most 6 digits each, and the signs between them. */
const LONGEST = 1 + 32 + 1 + 6 + 1 + 6 + 1 + 6 + 1

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
    held = yield* cut(whole, start)
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
  return /^\d+(\.\d+)?:\d+$/.test(window.toString('latin1', start.length, end)) ? at + end : 'none'
}

function parse(text: string): Token {
  const [place = '', code = ''] = text.split(':')
  const [step = '', command] = place.split('.')
  const head = { step: Number(step), code: Number(code) }
  return command === undefined
    ? { kind: 'end', ...head }
    : { kind: 'command', ...head, command: Number(command) }
}
