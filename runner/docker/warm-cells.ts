import { type EmptyCell, makeEmptyCell } from './cell.ts'
import type { House } from './house.ts'
import type { Limits } from './limits.ts'
import { wordsOf } from './refusal.ts'
import { Stock } from './stock.ts'

/** So many kinds of containers wait at the same time; the one that was not wanted for the longest time makes room. */
const MOST_KINDS = 4

export type Wanted = {
  readonly image: string
  /** Of the image that the name stands for today. */
  readonly id: string
  readonly limits: Limits
}

/** Containers that wait for the next run, for each image and limits that runs have asked for lately. Each is lived in once. */
export class WarmCells implements AsyncDisposable {
  readonly #warm: { readonly size: number; readonly idleMs: number }
  /** The one that was wanted last stands last. */
  readonly #stocks = new Map<string, Stock<EmptyCell>>()
  readonly #leaving = new Set<Promise<void>>()

  constructor(warm: { readonly size: number; readonly idleMs: number }) {
    this.#warm = warm
  }

  /** One that waits, or null. Either way there will be one for the next run. */
  take(house: House, wanted: Wanted): EmptyCell | null {
    if (this.#warm.size === 0) return null
    const { id, limits } = wanted
    const kind = [id, limits.cpus, limits.memoryBytes, limits.pids].join()
    const stock = this.#stocks.get(kind) ?? this.#open(house, wanted)
    this.#stocks.delete(kind)
    this.#stocks.set(kind, stock)
    const [oldest] = this.#stocks.keys()
    if (this.#stocks.size > MOST_KINDS && oldest !== undefined) this.#close(oldest)
    return stock.take()
  }

  /** How many of each kind are to wait. */
  get size(): number {
    return this.#warm.size
  }

  /** How many wait. */
  get ready(): number {
    return [...this.#stocks.values()].reduce((sum, { ready }) => sum + ready, 0)
  }

  #open(house: House, wanted: Wanted): Stock<EmptyCell> {
    return new Stock({
      ...this.#warm,
      make: async (signal) => {
        using _turn = await house.calm.turn(signal)
        return makeEmptyCell(house, wanted, signal)
      },
      failed: (error) => house.log.warn({ image: wanted.image, reason: wordsOf(error) }, 'warm.failed'),
    })
  }

  #close(kind: string): void {
    const closing = this.#stocks.get(kind)?.[Symbol.asyncDispose]() ?? Promise.resolve()
    this.#stocks.delete(kind)
    this.#leaving.add(closing)
    void closing.finally(() => this.#leaving.delete(closing))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const kind of [...this.#stocks.keys()]) this.#close(kind)
    await Promise.all(this.#leaving)
  }
}
