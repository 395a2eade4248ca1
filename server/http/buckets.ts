/** What one who asks may still do: a bucket that fills up steadily, and of which each request takes one. */
type Bucket = { left: number; atMs: number }
export type Taken = { readonly isEmpty: boolean; readonly left: number; readonly restS: number }

/** So many are remembered; who was not seen for longest is forgotten first, and begins with a full bucket. */
const MOST_KEYS = 20_000

/** Token buckets of this process: a minute’s worth may be taken at once, and then as many as come in. */
export class Buckets {
  readonly perMinute: number
  readonly #mostKeys: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(perMinute: number, mostKeys: number = MOST_KEYS) {
    this.perMinute = perMinute
    this.#mostKeys = mostKeys
  }

  /** @param nowMs  A clock that never goes back. @returns Whether it was empty, and in how many seconds it is not. */
  take(key: string, nowMs: number = performance.now()): Taken {
    const bucket = this.#filled(key, nowMs)
    const isEmpty = bucket.left < 1
    if (!isEmpty) bucket.left--
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > this.#mostKeys)
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest)
        break
      }
    const restS = Math.max(1, Math.ceil(((1 - bucket.left) * 60) / this.perMinute))
    return { isEmpty, left: Math.floor(bucket.left), restS }
  }

  get size(): number {
    return this.#buckets.size
  }

  #filled(key: string, nowMs: number): Bucket {
    const before = this.#buckets.get(key)
    if (!before) return { left: this.perMinute, atMs: nowMs }
    const grown = ((nowMs - before.atMs) / 60_000) * this.perMinute
    return { left: Math.min(this.perMinute, before.left + grown), atMs: nowMs }
  }
}
