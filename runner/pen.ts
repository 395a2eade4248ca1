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
  #pieces: Uint8Array[] = []
  #size = 0
  #timer: NodeJS.Timeout | null = null

  /** @param send  Gets at most `LOG_CHUNK_BYTES` at a time. */
  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send
  }

  write(bytes: Uint8Array): void {
    this.#pieces.push(bytes)
    this.#size += bytes.length
    if (this.#size >= LOG_CHUNK_BYTES) this.#sendWhole()
    if (!this.#timer) this.#tick()
  }

  /** Send all there is, also a character whose end never came: before a boundary, and at the end. */
  flush(): void {
    this.#sendWhole()
    const rest = this.#take()
    if (rest.length > 0) this.#send(rest)
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

  /** @returns Whether there was anything to send. */
  #sendWhole(): boolean {
    const bytes = this.#take()
    let from = 0
    while (from < bytes.length) {
      const piece = bytes.subarray(from, from + LOG_CHUNK_BYTES)
      const tail = incompleteTail(piece)
      if (piece.length === tail) break
      this.#send(piece.subarray(0, piece.length - tail))
      from += piece.length - tail
    }
    if (from < bytes.length) this.#keep(bytes.subarray(from))
    return from > 0
  }

  #keep(bytes: Uint8Array): void {
    this.#pieces.push(bytes)
    this.#size += bytes.length
  }

  #take(): Uint8Array {
    const [only] = this.#pieces
    const whole = this.#pieces.length === 1 && only ? only : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#size = 0
    return whole
  }
}
