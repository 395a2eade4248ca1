import { LOG_CHUNK_BYTES } from '#pipelines/wire/runner.ts'
import { Finder } from './finder.ts'
import { PIECE_BYTES, spellings } from './spellings.ts'

const STARS = Buffer.from('***')
const NOTHING = Buffer.alloc(0)

/**
 * Hides secrets in a stream of bytes before it leaves the runner: a byte that is part of any spelling of a secret is not
 * passed on, and three stars stand for each row of such bytes. All others pass as they are, in order.
 *
 * A secret is found across the borders of chunks; only what may still become one is held back, until more comes. What is
 * printed in another code than those of `spellings.ts` is not found: this guards against accidents, not against the author.
 */
export class Mask {
  readonly #finder: Finder | null
  #held: Buffer = NOTHING
  /** So many bytes at the start of the held ones belong to a secret that was found already. */
  #covered = 0
  /** Whether the last byte that was let go belonged to a secret: its stars stand there, and go for what follows too. */
  #starred = false

  /** @param secrets  Their texts, or a mask whose secrets this one hides in a stream of its own. */
  constructor(secrets: Iterable<string> | Mask) {
    if (secrets instanceof Mask) {
      this.#finder = secrets.#finder
      return
    }
    const needles = spellings(secrets)
    this.#finder = needles.length > 0 ? new Finder(needles) : null
  }

  /** @returns What may leave of all that has come; often a view of `bytes`. */
  push(bytes: Uint8Array): Uint8Array {
    const all = joined(this.pushParts(bytes))
    return all.buffer === desk.buffer ? Uint8Array.from(all) : all
  }

  /** @returns What was held back: no more of this part of the stream will come. The next bytes begin another. */
  end(): Uint8Array {
    return joined(this.endParts())
  }

  /** Like `push`, in parts that are good until anything is pushed into any mask: so that who copies them anyway copies them once. */
  pushParts(bytes: Uint8Array): Uint8Array[] {
    if (!this.#finder) return [bytes]
    const whole = behind(this.#held, bytes)
    return this.#letGo(whole, this.#finder.openFrom(whole), this.#finder)
  }

  endParts(): Uint8Array[] {
    if (!this.#finder) return []
    const rest = this.#letGo(this.#held, this.#held.length, this.#finder)
    this.#starred = false
    return rest
  }

  /** A whole text with its secrets hidden; the stream is not touched. */
  text(text: string): string {
    const other = new Mask(this)
    return Buffer.concat([other.push(Buffer.from(text)), other.end()]).toString()
  }

  /** The bytes before `until`, hidden where they must be; the others are held. */
  #letGo(whole: Buffer, until: number, finder: Finder): Uint8Array[] {
    const parts: Uint8Array[] = []
    let done = 0
    const show = (to: number) => {
      if (to <= done) return
      parts.push(whole.subarray(done, to))
      this.#starred = false
      done = to
    }
    const hide = (to: number) => {
      if (to <= done) return
      if (!this.#starred) parts.push(STARS)
      this.#starred = true
      done = to
    }
    let secretTo = this.#covered
    for (const { from, to } of finder.places(whole)) {
      if (from >= until) break // held: it is found again
      if (from > secretTo) {
        hide(secretTo)
        show(from)
      }
      secretTo = Math.max(secretTo, to)
    }
    hide(Math.min(secretTo, until))
    show(until)
    this.#held = Buffer.from(whole.subarray(until)) // a copy: the chunk's own memory is let go
    this.#covered = Math.max(0, secretTo - until)
    return parts
  }
}

/** Where what was held and what comes become one; nothing waits in it. */
let desk = Buffer.alloc(0)

function behind(held: Uint8Array, bytes: Uint8Array): Buffer {
  if (held.length === 0) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const size = held.length + bytes.length
  if (desk.length < size) desk = Buffer.allocUnsafeSlow(Math.max(size, LOG_CHUNK_BYTES + 2 * PIECE_BYTES))
  desk.set(held)
  desk.set(bytes, held.length)
  return desk.subarray(0, size)
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts
  return parts.length === 1 && only ? only : Buffer.concat(parts)
}
