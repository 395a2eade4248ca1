import { createSubscriber } from 'svelte/reactivity'
import { asRefusal, type Refusal, type Run } from './api.ts'
import type { Live } from './live.svelte.ts'
import { logApi, type LogFound, type LogSought } from './log-api.ts'
import { LogBook, type LogLine, PAGE_LINES } from './log-book.ts'
import { isUnderWay } from './state-words.ts'

const FRAME_MS = 60
/** So much of the end of each step is heard with what is new, so that a log opens at its end in one go. */
const LAST_BYTES = 64 * 1024
/** How long to wait before lines are asked for again that could not be read. */
const AGAIN_MS = 2_000
/** Reads at a time; more would only wait for each other. */
const MOST_READS = 4

/** The log of one attempt of a run, growing while anybody looks at it; many pieces make one frame. Old lines are read when they are looked at. */
export class RunLog {
  readonly #run: number
  readonly #book = new LogBook()
  readonly #subscribe: () => void
  readonly #wanted = new Set<string>()
  readonly #reading = new Set<string>()
  #hasEnded: boolean
  #refusal: string | null = null
  #frame: ReturnType<typeof setTimeout> | null = null
  #shownAt = -Infinity
  #update = () => {}

  constructor(live: Live, run: Run) {
    this.#run = run.id
    this.#book.begin(run.attempt)
    this.#hasEnded = !isUnderWay(run.state)
    for (const { step, lines, bytes } of run.steps)
      this.#book.expect(step, { lines, from: Math.max(0, bytes - LAST_BYTES) })
    this.#subscribe = createSubscriber((update) => {
      this.#update = update
      const stop = this.#hasEnded ? () => {} : this.#follow(live)
      return () => {
        stop()
        this.#update = () => {}
        if (this.#frame) clearTimeout(this.#frame)
        this.#frame = null
      }
    })
  }

  #follow(live: Live): () => void {
    return live.tail({
      run: this.#run,
      position: () => this.#book.position,
      piece: (piece) => {
        this.#hasEnded = false
        this.#book.add(piece)
        this.#soon()
      },
      ended: () => {
        this.#hasEnded = true
        this.#book.close()
        this.#soon()
      },
      refused: (reason) => {
        this.#refusal = reason
        this.#soon()
      },
    })
  }

  /** At once where nothing was shown for a while. */
  #soon(): void {
    this.#frame ??= setTimeout(
      () => {
        this.#frame = null
        this.#shownAt = performance.now()
        this.#update()
      },
      Math.max(0, this.#shownAt + FRAME_MS - performance.now()),
    )
  }

  linesOf(step: number): number {
    this.#subscribe()
    return this.#book.linesOf(step)
  }

  /** A line, or undefined while it is being read. */
  lineAt(step: number, number: number): LogLine | undefined {
    this.#subscribe()
    const line = this.#book.at(step, number)
    if (!line) this.#want(step, number)
    return line
  }

  get total(): number {
    this.#subscribe()
    return this.#book.total
  }

  /** The run is final and all of its log is here. */
  get hasEnded(): boolean {
    this.#subscribe()
    return this.#hasEnded
  }

  get refusal(): string | null {
    this.#subscribe()
    return this.#refusal
  }

  /** All lines that have something, read on the server. @throws {Refusal} */
  async search(sought: LogSought, signal: AbortSignal): Promise<LogFound> {
    return logApi.search(this.#run, { ...sought, attempt: this.#book.attempt }, signal)
  }

  /** Pages that somebody looks at are read; who scrolls past them before that goes without. */
  #want(step: number, number: number): void {
    const page = `${step} ${Math.floor(number / PAGE_LINES)}`
    if (this.#reading.has(page)) return
    this.#wanted.delete(page)
    this.#wanted.add(page)
    queueMicrotask(() => this.#readNext())
  }

  #readNext(): void {
    const page = [...this.#wanted].at(-1)
    if (page === undefined || this.#reading.size >= MOST_READS) return
    this.#wanted.delete(page)
    this.#reading.add(page)
    const [step = 0, at = 0] = page.split(' ').map(Number)
    void this.#read(step, at * PAGE_LINES).then((isRead) => {
      // what was wanted long ago is no longer looked at
      for (const old of [...this.#wanted].slice(0, -MOST_READS)) this.#wanted.delete(old)
      setTimeout(
        () => {
          this.#reading.delete(page)
          this.#soon()
          this.#readNext()
        },
        isRead ? 0 : AGAIN_MS,
      )
      this.#soon()
    })
  }

  /** @returns Whether there were lines. */
  async #read(step: number, first: number): Promise<boolean> {
    try {
      let from = first
      while (from < first + PAGE_LINES) {
        const range = { step, from, limit: first + PAGE_LINES - from, attempt: this.#book.attempt }
        const lines = await logApi.lines(this.#run, range)
        if (lines.length === 0) break
        this.#book.fill(step, lines)
        from += lines.length
        // nobody waits for the answer that there is nothing behind the last line
        if (this.#hasEnded && from >= this.#book.linesOf(step)) break
      }
      this.#refusal = null
      return from > first
    } catch (cause) {
      this.#refusal = refusalWords(asRefusal(cause))
      return false
    }
  }
}

const refusalWords = ({ message }: Refusal) => `Lines could not be read: ${message}`
