import { LOG_CHUNK_BYTES } from '#pipelines/wire/runner.ts'
import { incompleteTail } from './utf8.ts'

/** How long output may lie here before it is sent; the clock starts with the first byte and no later byte restarts it. */
const TICK_MS = 100

/**
 * Gathers the bytes of one step's output into pieces that are worth a frame, cut between characters, nothing added or lost.
 *
 * The first bytes after a quiet time go out at once, so that a person sees a command's first line when it is printed.
 */
export class Pen implements Disposable {
  readonly #send: (bytes: Uint8Array) => void
  /** Made when there is something to gather. Bytes are copied in at once, so that nothing holds on to what an engine read. */
  #gathered: Buffer | null = null
  #size = 0
  #timer: NodeJS.Timeout | null = null

  /** @param send  Gets at most `LOG_CHUNK_BYTES` at a time, and must have copied them when it returns. */
  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send
  }

  write(bytes: Uint8Array): void {
    this.#gathered ??= Buffer.allocUnsafeSlow(LOG_CHUNK_BYTES)
    for (let from = 0; from < bytes.length;) {
      const piece = bytes.subarray(from, from + LOG_CHUNK_BYTES - this.#size)
      this.#gathered.set(piece, this.#size)
      this.#size += piece.length
      from += piece.length
      if (this.#size === LOG_CHUNK_BYTES) this.#sendWhole()
    }
    if (!this.#timer) this.#tick()
  }

  /** Send all there is, also a character whose end never came: before a boundary, and at the end. */
  flush(): void {
    this.#sendWhole()
    this.#sendFirst(this.#size)
  }

  [Symbol.dispose](): void {
    this.flush()
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
  }

  #tick(): void {
    const sent = this.#sendWhole()
    this.#timer = sent ? setTimeout(() => this.#tick(), TICK_MS) : null
  }

  /** Send all whole characters. @returns Whether there was anything to send. */
  #sendWhole(): boolean {
    if (!this.#gathered) return false
    return this.#sendFirst(this.#size - incompleteTail(this.#gathered.subarray(0, this.#size)))
  }

  #sendFirst(count: number): boolean {
    if (!this.#gathered || count === 0) return false
    this.#send(this.#gathered.subarray(0, count))
    this.#gathered.copyWithin(0, count, this.#size)
    this.#size -= count
    return true
  }
}
