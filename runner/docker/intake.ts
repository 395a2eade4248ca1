const HEAD_BYTES = 8
/** What is read at a time. Everybody's reads go here: each is taken out before the next one of anybody begins. */
const DESK = Buffer.allocUnsafeSlow(128 * 1024)
/** So much is gathered; from then on nothing more is read, and the container is made to wait. */
const FULL_BYTES = 256 * 1024
/** What comes behind so much is a flood, and waits a moment for more of it: each piece costs everybody behind it the same. */
const FLOOD_BYTES = 16 * 1024
const ENOUGH_BYTES = 128 * 1024
const FLOOD_MS = 2

/** Where bytes come from, and how it is told to go on. */
export type Source = { readonly resume: () => void; readonly destroy: () => void }

/**
 * What a container says on both its streams, in order, out of an engine's attach stream: frames with a head (kind, three zeros,
 * length as 4 bytes big-endian), and out of its pipe, where it has one: of the two, one is silent at any time.
 *
 * Log comes by the hundred megabytes, and nothing is made for it here but once: it is read into memory that is always the same
 * and gathered in two pieces of memory, in turns. Pulls: as long as nobody asks for more, no more is read than fits.
 */
export class Intake implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, void> {
  readonly #source: Source
  #filling: Buffer | null = null
  #spare: Buffer | null = null
  #size = 0
  /** The head of a frame, as far as it has come, as a number; what its last four bytes say is left. */
  #headBytes = 0
  #length = 0
  #missing = 0
  #paused = false
  #ended = false
  #error: Error | null = null
  #wake: (() => void) | null = null
  #flood = false
  #gaveAt = 0

  constructor(source: Source) {
    this.#source = source
  }

  /** Memory for the next read; whoever filled it hands it to `take` at once. */
  static get desk(): Buffer {
    return DESK
  }

  /** Take a read of the attach stream. @returns Whether more may be read; if not, the source is told when to go on. */
  take(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length;)
      if (this.#missing > 0) {
        const end = Math.min(bytes.length, at + this.#missing)
        this.#gather(bytes, at, end)
        this.#missing -= end - at
        at = end
      } else this.#head(bytes[at++] ?? 0)
    return this.#taken()
  }

  /** Take a read of the pipe, which has no frames. @returns Likewise. */
  pour(bytes: Uint8Array): boolean {
    if (this.#ended) return true
    this.#gather(bytes, 0, bytes.length)
    return this.#taken()
  }

  #taken(): boolean {
    if (this.#isDue()) this.#wake?.()
    this.#paused ||= this.#size > FULL_BYTES
    return !this.#paused
  }

  /** Nothing more will come, by a fault or without one. */
  end(error: Error | null): void {
    this.#error ??= this.#ended ? null : error
    this.#ended = true
    this.#wake?.()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** @returns What has come, good until more is asked for. */
  async next(): Promise<IteratorResult<Uint8Array, void>> {
    while (!this.#isDue()) await this.#wait()
    if (this.#size > 0) return { done: false, value: this.#give() }
    if (this.#error) throw this.#error
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<Uint8Array, void>> {
    this.#source.destroy()
    this.end(null)
    return { done: true, value: undefined }
  }

  #head(byte: number): void {
    // Multiplied, not shifted: a shift would make a number below zero of a length with the top bit.
    this.#length = this.#headBytes < 4 ? 0 : this.#length * 256 + byte
    if (++this.#headBytes < HEAD_BYTES) return
    this.#missing = this.#length
    this.#headBytes = 0
  }

  #gather(bytes: Uint8Array, from: number, to: number): void {
    this.#filling ??= Buffer.allocUnsafeSlow(FULL_BYTES + 2 * DESK.length)
    this.#filling.set(bytes.subarray(from, to), this.#size)
    this.#size += to - from
  }

  #isDue(): boolean {
    if (this.#ended || this.#size >= ENOUGH_BYTES) return true
    return this.#size > 0 && !(this.#flood && performance.now() - this.#gaveAt < FLOOD_MS)
  }

  async #wait(): Promise<void> {
    const leftMs = this.#flood ? this.#gaveAt + FLOOD_MS - performance.now() : 0
    const timer = leftMs > 0 ? setTimeout(() => this.#wake?.(), leftMs) : null
    await new Promise<void>((resolve) => (this.#wake = resolve))
    this.#wake = null
    if (timer) clearTimeout(timer)
  }

  #give(): Uint8Array {
    const given = this.#filling?.subarray(0, this.#size) ?? Buffer.alloc(0)
    ;[this.#filling, this.#spare] = [this.#spare, this.#filling]
    this.#flood = this.#size >= FLOOD_BYTES
    this.#gaveAt = performance.now()
    this.#size = 0
    if (this.#paused && !this.#ended) this.#source.resume()
    this.#paused = false
    return given
  }
}
