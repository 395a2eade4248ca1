import { Stop, type StopCause } from '../stop.ts'

/** Timers count in 31 bits; nobody waits longer than these 24 days. */
const LONGEST_MS = 2 ** 31 - 1

export type Clock = Disposable & { readonly signal: AbortSignal }

/** Aborts when something has taken longer than it may; null for ever. */
export function deadline(ms: number | null, what: 'run' | 'step' | 'check'): Clock {
  const late = new AbortController()
  if (ms === null) return { signal: late.signal, [Symbol.dispose]: () => {} }
  const sentence = `The ${what} took longer than the ${inWords(ms)} it has.`
  const timer = setTimeout(() => late.abort(new Stop('timeout', sentence)), Math.min(ms, LONGEST_MS))
  return { signal: late.signal, [Symbol.dispose]: () => clearTimeout(timer) }
}

/** Aborts when nothing was heard for so long. Hearing something costs next to nothing. */
export class Silence implements Clock {
  readonly #longestMs: number
  readonly #abort = new AbortController()
  #heardAt = performance.now()
  #deaf = 0
  #timer: NodeJS.Timeout

  constructor(longestMs: number) {
    this.#longestMs = Math.min(longestMs, LONGEST_MS)
    this.#timer = setTimeout(() => this.#look(), this.#longestMs)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  heard(): void {
    this.#heardAt = performance.now()
  }

  /** Nobody listens until this is disposed of: who is made to wait can say nothing. */
  deafen(): Disposable {
    this.#deaf++
    const listen = () => {
      this.#deaf--
      this.heard()
    }
    return { [Symbol.dispose]: listen }
  }

  #look(): void {
    if (this.#deaf > 0) this.heard()
    const leftMs = this.#longestMs - (performance.now() - this.#heardAt)
    if (leftMs > 0) this.#timer = setTimeout(() => this.#look(), leftMs)
    else this.#abort.abort(new Stop('inactive', `The commands said nothing for ${inWords(this.#longestMs)}.`))
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}

const why = (signal: AbortSignal): StopCause | null =>
  signal.aborted && signal.reason instanceof Stop ? signal.reason.why : null

/** What hooks may take together once the run was stopped. */
const HOOKS_MS = 5 * 60_000

/** The signals of a run: what ends it, and what of it may still go on then. */
export class Stops implements Disposable {
  /** Ends the run before its own end: a person, a newer commit, the clock. */
  readonly run: AbortSignal
  /** Ends everything at once: nobody wants to hear of the run any more, or nobody is there to tell it. */
  readonly hurry: AbortSignal
  readonly #clock: Clock
  #late: (Clock & { readonly both: AbortSignal }) | null = null

  constructor(asked: { readonly signal: AbortSignal; readonly hurry: AbortSignal }, timeoutMs: number) {
    this.#clock = deadline(timeoutMs, 'run')
    this.hurry = asked.hurry
    this.run = AbortSignal.any([asked.signal, this.#clock.signal])
  }

  /** For hooks of what `signal` could end: that signal; where it has ended it already, what the run still allows. */
  forHooks(signal: AbortSignal): AbortSignal {
    if (!signal.aborted) return signal
    if (!this.run.aborted) return this.run
    this.#late ??= this.#startLate()
    return this.#late.both
  }

  #startLate(): Clock & { readonly both: AbortSignal } {
    const late = new AbortController()
    const sentence = `The hooks of a run that was stopped have ${inWords(HOOKS_MS)}.`
    const timer = setTimeout(() => late.abort(new Stop('timeout', sentence)), HOOKS_MS)
    const both = AbortSignal.any([this.hurry, late.signal])
    return { signal: late.signal, both, [Symbol.dispose]: () => clearTimeout(timer) }
  }

  [Symbol.dispose](): void {
    this.#clock[Symbol.dispose]()
    this.#late?.[Symbol.dispose]()
  }
}

/** Why something is not begun any more, in words. */
export function stoppedWords(signal: AbortSignal): string {
  switch (why(signal)) {
    case 'timeout':
      return 'the time was up'
    case 'inactive':
      return 'the commands had said nothing for too long'
    case 'runner_stopped':
      return 'the runner was stopped'
    default:
      return 'it was cancelled'
  }
}

const inWords = (ms: number) => (ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`)
