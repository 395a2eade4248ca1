import type { Duplex } from 'node:stream'
import { LONG_BYTES } from '../logs/piece.ts'

/** More reads than the longest frame has are no message: the collector may have those, too. */
const MOST_READS = 128

/**
 * What was read from a runner's socket, as it lies in memory: Node makes 64 KiB for each read. A log comes by the hundred megabytes,
 * and left to the collector each fifty of them make it look through the whole heap, which takes longer than writing them down.
 */
export class Reads {
  readonly #reads: Buffer[] = []

  /** @param socket  Whoever else reads it takes each read at once, in the same turn, and in order. */
  constructor(socket: Duplex) {
    socket.prependListener('data', (read: Buffer) => this.#note(read))
  }

  /**
   * A message came, which ends in the last read: give back the reads before it. What was made of them is not to lie in them.
   *
   * @returns The message where it stays good, whatever becomes of the read it came in. A long one has that memory for itself, so
   *   that it can be given back with it, unless it lies in Node's pool.
   */
  keep(message: Buffer): Buffer {
    const isShared = message.length >= LONG_BYTES && message.length !== message.buffer.byteLength
    const isInRead = this.#reads.some(({ buffer }) => buffer === message.buffer)
    const kept = isShared || isInRead ? Buffer.from(message) : message
    for (const { buffer } of this.#reads.splice(0, this.#reads.length - 1))
      if (buffer instanceof ArrayBuffer) buffer.transfer(0)
    return kept
  }

  #note(read: Buffer): void {
    if (read.length < LONG_BYTES || read.length !== read.buffer.byteLength) return
    this.#reads.push(read)
    if (this.#reads.length > MOST_READS) this.#reads.shift()
  }
}
