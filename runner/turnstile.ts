import { orAbort } from './stop.ts'

/** Room for `size` holders at a time; those who wait are let in in the order they came. */
export class Turnstile {
  #free: number
  readonly #waiting: (() => void)[] = []
  constructor(size: number) {
    this.#free = size
  }

  get free(): number {
    return this.#free
  }

  /** Wait for room. Disposing what it resolves to gives the room back; an abort gives up the place in the queue. */
  async enter(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free--
    else await this.#queue(signal)
    let left = false
    const leave = () => {
      if (!left) this.#leave()
      left = true
    }
    return { [Symbol.dispose]: leave }
  }

  async #queue(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    try {
      await orAbort(promise, signal)
    } catch (error) {
      const place = this.#waiting.indexOf(resolve)
      if (place === -1)
        this.#leave() // let in and aborted in the same moment
      else this.#waiting.splice(place, 1)
      throw error
    }
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free++
  }
}

/** One turnstile of size 1 for each key that is in use. */
export class Locks {
  readonly #turnstiles = new Map<string, Turnstile>()

  async hold(key: string, signal: AbortSignal): Promise<Disposable> {
    let turnstile = this.#turnstiles.get(key)
    if (!turnstile) this.#turnstiles.set(key, (turnstile = new Turnstile(1)))
    return turnstile.enter(signal)
  }
}
