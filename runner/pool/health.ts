import { setTimeout as sleep } from 'node:timers/promises'
import type { Told } from './tidings.ts'

/** How often in which span an engine that does not answer is tried again, and after which pause. */
export type RestartRule = { readonly most: number; readonly delayMs: number; readonly windowMs: number }
const RULE: RestartRule = { most: 3, delayMs: 10_000, windowMs: 10 * 60_000 }
const EVERY_MS = 10_000
const ANSWER_MS = 5_000

export type HealthOptions = {
  /** Resolves where the engine is well; throws what is wrong, in words. */
  readonly check: (signal: AbortSignal) => Promise<void>
  readonly tell: (event: Told) => void
  /** Called with every change: why there is no work to be taken, null where there is. */
  readonly ail: (trouble: string | null) => void
  readonly everyMs?: number
  readonly rule?: RestartRule
  readonly now?: () => number
}

/**
 * Keeps an eye on the engine. While it is not well the runner takes no work. It is tried again a few times; where that does not
 * help, nobody tries until the span is over or a person asks for it: an engine that dies at once must not keep a machine busy.
 */
export class Health {
  readonly #options: HealthOptions
  readonly #rule: RestartRule
  readonly #now: () => number
  #tries: number[] = []
  #wake = Promise.withResolvers<void>()
  #trouble: string | null = null

  constructor(options: HealthOptions) {
    this.#options = options
    this.#rule = options.rule ?? RULE
    this.#now = options.now ?? (() => performance.now())
  }

  /** A person says that it is mended: what was tried before does not count any more. */
  reset(): void {
    this.#tries = []
    this.#wake.resolve()
  }

  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wrong = await this.#look(signal)
      if (signal.aborted) return
      if (wrong === null) this.#recover()
      else this.#ail(wrong)
      await this.#rest(wrong === null ? (this.#options.everyMs ?? EVERY_MS) : this.#nextTryMs(wrong), signal)
      if (wrong !== null && !signal.aborted) this.#tryAgain()
    }
  }

  async #look(signal: AbortSignal): Promise<string | null> {
    const soon = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
    try {
      await this.#options.check(soon)
      return null
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  #recover(): void {
    if (this.#trouble === null) return
    this.#trouble = null
    this.#options.tell({ kind: 'recovered', words: 'the engine answers again' })
    this.#options.ail(null)
  }

  #ail(wrong: string): void {
    if (this.#trouble === null) this.#options.tell({ kind: 'degraded', words: wrong })
    if (this.#trouble === wrong) return
    this.#trouble = wrong
    this.#options.ail(wrong)
  }

  /** How long to wait before the engine is tried again. */
  #nextTryMs(wrong: string): number {
    const { most, delayMs, windowMs } = this.#rule
    this.#tries = this.#tries.filter((at) => this.#now() - at < windowMs)
    const [oldest] = this.#tries
    if (oldest === undefined || this.#tries.length < most) return delayMs
    this.#ail(`${wrong} It was tried again ${most} times; mend it and reset the runner.`)
    return Math.max(delayMs, oldest + windowMs - this.#now())
  }

  #tryAgain(): void {
    this.#tries.push(this.#now())
    const { most } = this.#rule
    const words = `the engine is tried again (${Math.min(this.#tries.length, most)} of ${most})`
    this.#options.tell({ kind: 'restarted', words })
  }

  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    this.#wake = Promise.withResolvers()
    const over = new AbortController()
    const quit = AbortSignal.any([signal, over.signal])
    await Promise.race([sleep(ms, undefined, { signal: quit }).catch(() => {}), this.#wake.promise]) // aborted: the loop looks at the signal
    over.abort()
  }
}
