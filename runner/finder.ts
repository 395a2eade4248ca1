/** A place where one of the needles was found: from the first byte to behind the last. */
export type Place = { readonly from: number; readonly to: number }

/**
 * Looks for many needles in bytes at once, looking at few of the bytes (Wu and Manber's method with blocks of two bytes:
 * every pair says how far the next possible end of a needle's beginning is away).
 */
export class Finder {
  /** By their value: the bytes with which a needle begins. */
  readonly #begins = new Uint8Array(256)
  /** The length of the shortest needle: so much of every needle is looked for, the rest compared. */
  readonly #window: number
  readonly #shifts: Uint8Array
  /** By the last pair of the window: the needles to compare. */
  readonly #byPair = new Map<number, Buffer[]>()
  readonly #byStart = new Map<number, Buffer[]>()
  readonly #longest: number

  /** @param needles  At least one, of at least two bytes each. */
  constructor(needles: readonly Buffer[]) {
    // There may be more of them than a call takes arguments.
    this.#longest = needles.reduce((most, { length }) => Math.max(most, length), 0)
    this.#window = needles.reduce((least, { length }) => Math.min(least, length), 255)
    this.#shifts = new Uint8Array(65_536).fill(this.#window - 1)
    for (const needle of needles) this.#learn(needle)
  }

  #learn(needle: Buffer): void {
    for (let at = 1; at < this.#window; at++) {
      const pair = pairAt(needle, at)
      this.#shifts[pair] = Math.min(this.#shifts[pair] ?? 0, this.#window - 1 - at)
    }
    put(this.#byPair, pairAt(needle, this.#window - 1), needle)
    put(this.#byStart, pairAt(needle, 1), needle)
    this.#begins[needle[0] ?? 0] = 1
  }

  /** Every place of every needle, also those that overlap; by where they begin, of several the longest. */
  *places(bytes: Buffer): Generator<Place, void> {
    const shifts = this.#shifts
    const { length } = bytes
    let at = this.#window - 1
    while (at < length) {
      const shift = shifts[((bytes[at - 1] ?? 0) << 8) | (bytes[at] ?? 0)] ?? 1
      if (shift > 0) {
        at += shift
        continue
      }
      const from = at - this.#window + 1
      const to = this.#endFrom(bytes, from, this.#byPair.get(pairAt(bytes, at)) ?? [])
      if (to > from) yield { from, to }
      at++
    }
  }

  #endFrom(bytes: Buffer, from: number, candidates: readonly Buffer[]): number {
    let to = from
    for (const needle of candidates) {
      const end = from + needle.length
      if (end > to && end <= bytes.length && same(bytes, from, needle)) to = end
    }
    return to
  }

  /** Where the longest end of `bytes` begins that may be the beginning of a needle; their length where none is. */
  openFrom(bytes: Buffer): number {
    const { length } = bytes
    for (let from = Math.max(0, length - this.#longest + 1); from < length - 1; from++)
      for (const needle of this.#byStart.get(pairAt(bytes, from + 1)) ?? []) {
        const left = length - from
        if (needle.length > left && same(needle, 0, bytes.subarray(from))) return from
      }
    const last = bytes.at(-1)
    return last !== undefined && this.#begins[last] === 1 ? length - 1 : length
  }
}

/** The two bytes that end at `at`, as one number. */
const pairAt = (bytes: Uint8Array, at: number) => ((bytes[at - 1] ?? 0) << 8) | (bytes[at] ?? 0)

const same = (bytes: Buffer, from: number, part: Buffer) =>
  bytes.compare(part, 0, part.length, from, from + part.length) === 0

function put(map: Map<number, Buffer[]>, key: number, needle: Buffer): void {
  const bucket = map.get(key)
  if (bucket) bucket.push(needle)
  else map.set(key, [needle])
}
