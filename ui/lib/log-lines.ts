import type { LiveSays, LogPosition } from '#pipelines/wire/live.ts'
import { PLAIN, styleAfter, type Style } from './ansi.ts'

export type LogPiece = Extract<LiveSays, { say: 'log' }>

/** A line of one step. A line that is still growing is replaced, never changed, so that a view sees the difference. */
export type LogLine = {
  readonly kind: 'line'
  readonly step: number
  /** Counts from 0 within the step. */
  readonly number: number
  readonly text: string
  /** The style the lines before it left behind. */
  readonly start: Style
  /** Set where bytes are missing in front of this place: a gap is shown, never hidden. */
  readonly missingBytes?: number
}

/** What a page keeps of one step at most; what came before is in the raw log. */
export const KEPT_LINES = 200_000

type StepLines = { readonly lines: LogLine[]; dropped: number; end: number; open: boolean }

/**
 * The log of one run, put together from pieces that may cut lines anywhere and may come twice.
 *
 * Knows where it stands (`position`), so that a reader resumes there after a lost connection without a line missing or double.
 */
export class LogLines {
  readonly #steps = new Map<number, StepLines>()
  #attempt = 0
  #position: LogPosition | null = null

  get position(): LogPosition | null {
    return this.#position
  }

  get attempt(): number {
    return this.#attempt
  }

  linesOf(step: number): readonly LogLine[] {
    return this.#steps.get(step)?.lines ?? []
  }

  /** Lines at the step's beginning that are no longer kept. */
  droppedOf(step: number): number {
    return this.#steps.get(step)?.dropped ?? 0
  }

  get total(): number {
    let total = 0
    for (const { lines, dropped } of this.#steps.values()) total += lines.length + dropped
    return total
  }

  add(piece: LogPiece): void {
    if (piece.attempt < this.#attempt) return
    if (piece.attempt > this.#attempt) this.#begin(piece.attempt)
    const step = this.#step(piece.step)
    if (piece.end <= step.end) return
    const text = piece.offset < step.end ? behind(piece.text, step.end - piece.offset) : piece.text
    if (piece.offset > step.end) markGap(step, piece, piece.offset - step.end)
    append(step, piece.step, text)
    step.end = piece.end
    this.#position = { attempt: piece.attempt, step: piece.step, offset: piece.end }
  }

  /** A new attempt starts the log over. */
  #begin(attempt: number): void {
    this.#attempt = attempt
    this.#steps.clear()
    this.#position = null
  }

  #step(number: number): StepLines {
    const known = this.#steps.get(number)
    if (known) return known
    const step = { lines: [], dropped: 0, end: 0, open: false }
    this.#steps.set(number, step)
    return step
  }
}

function append(step: StepLines, number: number, text: string): void {
  let from = 0
  while (from < text.length) {
    const cut = text.indexOf('\n', from)
    const part = text.slice(from, cut < 0 ? text.length : cut)
    const growing = step.open ? step.lines.pop() : undefined
    step.lines.push(line(step, number, { growing, part }))
    step.open = cut < 0
    from = cut < 0 ? text.length : cut + 1
  }
  if (step.lines.length > KEPT_LINES * 1.1)
    step.dropped += step.lines.splice(0, step.lines.length - KEPT_LINES).length
}

function line(
  step: StepLines,
  number: number,
  { growing, part }: { growing: LogLine | undefined; part: string },
): LogLine {
  const before = step.lines.at(-1)
  const begun: LogLine = growing ?? {
    kind: 'line',
    step: number,
    number: before ? before.number + 1 : step.dropped,
    text: '',
    start: before ? styleAfter(before.text, before.start) : PLAIN,
  }
  return { ...begun, ...lastState(begun.text + part, begun.start) }
}

/** A progress bar rewrites its line over and over: only what it shows last is kept, and the colours set on the way. */
function lastState(text: string, start: Style): { text: string; start: Style } {
  const shown = text.replace(/\r+$/, '')
  const cut = shown.lastIndexOf('\r')
  return cut < 0
    ? { text, start }
    : { text: text.slice(cut + 1), start: styleAfter(shown.slice(0, cut), start) }
}

function markGap(step: StepLines, piece: LogPiece, missingBytes: number): void {
  step.lines.push({
    kind: 'line',
    step: piece.step,
    number: piece.firstLine,
    text: '',
    start: PLAIN,
    missingBytes,
  })
  step.open = true
}

/** The rest of a text behind its first `bytes` bytes of UTF-8. */
const behind = (text: string, bytes: number): string =>
  new TextDecoder().decode(new TextEncoder().encode(text).subarray(bytes))
