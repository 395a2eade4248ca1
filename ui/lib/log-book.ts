import type { LiveSays, LogPosition } from '#pipelines/wire/live.ts'
import { PLAIN, styleAfter, type Style } from './ansi.ts'

export type LogPiece = Extract<LiveSays, { say: 'log' }>

/** A line of one step. A line that is still growing is replaced, never changed, so that a view sees the difference. */
export type LogLine = {
  readonly step: number
  /** Counts from 0 within the step. */
  readonly number: number
  readonly text: string
  /** The style the lines before it left behind, as far as they were here when it came. */
  readonly start: Style
  /** When the server stored it, ISO 8601. */
  readonly at: string
}
export type ReadLine = { readonly line: number; readonly text: string; readonly at: string }

/** So many lines are asked for at a time, and kept or forgotten together. */
export const PAGE_LINES = 500
/** What a browser keeps in memory: the pages that were looked at last. */
const MOST_PAGES = 400

type Page = (LogLine | undefined)[]
/** A line that has no end yet; its text is null where its beginning was not heard. */
type Growing = { readonly number: number; readonly text: string | null; readonly start: Style }
type StepLog = {
  /** Lines that are known to be there, the growing one too. */
  lines: number
  /** The first byte that was not heard. */
  end: number
  /** The number of the line behind what was heard; null where nothing was. */
  next: number | null
  growing: Growing | null
}

/**
 * The log of one attempt of a run as far as it is here: any lines of any step. New ones are heard at the end, in pieces that may
 * cut lines anywhere and may come twice; older ones are read when somebody looks for them.
 *
 * Knows where it stands (`position`), so that a reader resumes there after a lost connection without a line missing or double.
 */
export class LogBook {
  readonly #steps = new Map<number, StepLog>()
  /** By step and number, those looked at last at the end. */
  readonly #pages = new Map<string, Page>()
  #attempt = 0

  get attempt(): number {
    return this.#attempt
  }

  get position(): LogPosition | null {
    if (this.#attempt === 0) return null
    return { attempt: this.#attempt, ends: [...this.#steps].map(([step, { end }]) => [step, end]) }
  }

  linesOf(step: number): number {
    return this.#steps.get(step)?.lines ?? 0
  }

  get total(): number {
    let total = 0
    for (const { lines } of this.#steps.values()) total += lines
    return total
  }

  /** A line, where it is here. */
  at(step: number, number: number): LogLine | undefined {
    const key = keyOf(step, number)
    const page = this.#pages.get(key)
    if (!page) return undefined
    this.#pages.delete(key)
    this.#pages.set(key, page)
    return page[number % PAGE_LINES]
  }

  /** What is known of a step from elsewhere: how many lines it has, and from which byte on it will be heard. */
  expect(step: number, { lines, from }: { readonly lines: number; readonly from: number }): void {
    const known = this.#step(step)
    known.lines = Math.max(known.lines, lines)
    known.end = Math.max(known.end, from)
  }

  /** A new attempt starts the log over. */
  begin(attempt: number): void {
    this.#attempt = attempt
    this.#steps.clear()
    this.#pages.clear()
  }

  /** What was said at the end. */
  add(piece: LogPiece): void {
    if (piece.attempt < this.#attempt) return
    if (piece.attempt > this.#attempt) this.begin(piece.attempt)
    const step = this.#step(piece.step)
    const isNext = piece.offset === 0 || (step.next !== null && piece.offset <= step.end)
    if (step.next !== null && piece.end <= step.end) return
    const known = isNext && step.next !== null ? step.end - piece.offset : 0
    if (!isNext) step.growing = { number: piece.firstLine, text: null, start: PLAIN }
    step.next ??= piece.firstLine
    step.end = piece.end
    this.#append(step, { ...piece, text: known > 0 ? behind(piece.text, known) : piece.text })
  }

  /** Nothing grows any more: lines whose beginning was not heard can be read like all others. */
  close(): void {
    for (const step of this.#steps.values()) if (step.growing?.text === null) step.growing = null
  }

  /** Lines that were read. What is heard is newer. */
  fill(step: number, lines: readonly ReadLine[]): void {
    const { growing } = this.#step(step)
    for (const { line: number, text, at } of lines) {
      if (growing && number >= growing.number) return
      if (this.#page(step, number)[number % PAGE_LINES]) continue
      this.#put({ step, number, text, start: this.#styleBehind(step, number - 1), at })
    }
  }

  #append(step: StepLog, { step: number, text, at }: LogPiece): void {
    for (let from = 0; from < text.length;) {
      const cut = text.indexOf('\n', from)
      const line = this.#grown(number, step, text.slice(from, cut < 0 ? text.length : cut))
      if (line.text !== null)
        this.#put({ step: number, number: line.number, text: line.text, start: line.start, at })
      step.lines = Math.max(step.lines, line.number + 1)
      step.growing = cut < 0 ? line : null
      step.next = line.number + 1
      from = cut < 0 ? text.length : cut + 1
    }
  }

  #grown(number: number, { growing, next }: StepLog, part: string): Growing {
    if (!growing) {
      const begun = next ?? 0
      const start = this.#styleBehind(number, begun - 1)
      return { number: begun, ...lastState(part, start) }
    }
    if (growing.text === null) return growing
    return { number: growing.number, ...lastState(growing.text + part, growing.start) }
  }

  #styleBehind(step: number, number: number): Style {
    const before = number < 0 ? undefined : this.#pages.get(keyOf(step, number))?.[number % PAGE_LINES]
    return before ? styleAfter(before.text, before.start) : PLAIN
  }

  #put(line: LogLine): void {
    this.#page(line.step, line.number)[line.number % PAGE_LINES] = line
  }

  #page(step: number, number: number): Page {
    const key = keyOf(step, number)
    const known = this.#pages.get(key)
    if (known) return known
    const page: Page = []
    this.#pages.set(key, page)
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= MOST_PAGES) break
      this.#pages.delete(oldest)
    }
    return page
  }

  #step(number: number): StepLog {
    const known = this.#steps.get(number)
    if (known) return known
    const step: StepLog = { lines: 0, end: 0, next: null, growing: null }
    this.#steps.set(number, step)
    return step
  }
}

const keyOf = (step: number, number: number) => `${step} ${Math.floor(number / PAGE_LINES)}`

/** A progress bar rewrites its line over and over: only what it shows last is kept, and the colours set on the way. */
function lastState(text: string, start: Style): { text: string; start: Style } {
  const shown = text.replace(/\r+$/, '')
  const cut = shown.lastIndexOf('\r')
  return cut < 0
    ? { text, start }
    : { text: text.slice(cut + 1), start: styleAfter(shown.slice(0, cut), start) }
}

/** The rest of a text behind its first `bytes` bytes of UTF-8. */
const behind = (text: string, bytes: number): string =>
  new TextDecoder().decode(new TextEncoder().encode(text).subarray(bytes))
