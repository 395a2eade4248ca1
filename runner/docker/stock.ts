/** Something made ahead of time. `gone` tells whether it died while it waited. */
export type Stocked = AsyncDisposable & { readonly gone?: boolean }

export type StockFacts<T extends Stocked> = {
  /** How many lie ready; 0 keeps none. */
  readonly size: number
  readonly make: (signal: AbortSignal) => Promise<T>
  /** After so long without a taker everything is given back to the machine. */
  readonly idleMs: number
  /** Nobody waits for what is made ahead: what goes wrong with it is only told. */
  readonly failed: (error: unknown) => void
}

/**
 * Things that take long to make, made before they are asked for. Each is taken once, by one run, and never comes back.
 *
 * Fills itself after the first taking: what nobody has ever needed is not made. After a failure it waits for the next taking.
 */
export class Stock<T extends Stocked> implements AsyncDisposable {
  readonly #facts: StockFacts<T>
  readonly #ready: T[] = []
  readonly #end = new AbortController()
  #making = 0
  #idle: NodeJS.Timeout | undefined
  readonly #work = new Set<Promise<unknown>>()

  constructor(facts: StockFacts<T>) {
    this.#facts = facts
  }

  get ready(): number {
    return this.#ready.length
  }

  /** One that lies ready, or null. Either way others are made for those who come next. */
  take(): T | null {
    let taken = this.#ready.shift() ?? null
    while (taken?.gone) {
      this.#discard(taken)
      taken = this.#ready.shift() ?? null
    }
    this.refill()
    return taken
  }

  /** Make as many as are missing, now and in the background. */
  refill(): void {
    if (this.#end.signal.aborted || this.#facts.size === 0) return
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.empty(), this.#facts.idleMs).unref()
    while (this.#ready.length + this.#making < this.#facts.size) this.#track(this.#makeOne())
  }

  /** Give up what lies ready. */
  empty(): void {
    for (const one of this.#ready.splice(0)) this.#discard(one)
  }

  async #makeOne(): Promise<void> {
    this.#making++
    try {
      const made = await this.#facts.make(this.#end.signal)
      if (this.#end.signal.aborted) await made[Symbol.asyncDispose]()
      else this.#ready.push(made)
    } catch (error) {
      if (!this.#end.signal.aborted) this.#facts.failed(error)
    } finally {
      this.#making--
    }
  }

  #discard(one: T): void {
    this.#track(Promise.resolve(one[Symbol.asyncDispose]()).catch(this.#facts.failed))
  }

  #track(work: Promise<unknown>): void {
    this.#work.add(work)
    void work.finally(() => this.#work.delete(work))
  }

  /** Empty it for good; afterwards nothing of it is left, nor being made. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    clearTimeout(this.#idle)
    this.empty()
    while (this.#work.size > 0) await Promise.all(this.#work)
  }
}
