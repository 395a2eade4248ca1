import { Turnstile } from '../turnstile.ts'

/** However busy the house is, what is made ahead of time waits no longer than this. */
const LONGEST_MS = 3_000

/** Lets what nobody waits for be made one at a time, and not while somebody waits for a run to begin. */
export class Calm {
  readonly #one = new Turnstile(1)
  #busy = 0
  #calm = Promise.withResolvers<void>()

  /** Somebody waits, until it is disposed of. */
  busy(): Disposable {
    if (this.#busy++ === 0) this.#calm = Promise.withResolvers<void>()
    return {
      [Symbol.dispose]: () => {
        if (--this.#busy === 0) this.#calm.resolve()
      },
    }
  }

  /** The turn to make something. */
  async turn(signal: AbortSignal): Promise<Disposable> {
    const turn = await this.#one.enter(signal)
    const waiting = new AbortController()
    const given = AbortSignal.any([signal, waiting.signal])
    const long = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LONGEST_MS)
      given.addEventListener('abort', () => (clearTimeout(timer), resolve()))
    })
    if (this.#busy > 0) await Promise.race([this.#calm.promise, long])
    waiting.abort()
    return turn
  }
}
