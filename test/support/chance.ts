/**
 * Choices that look like chance. A test makes the same ones each time, so that what failed once can be looked at again;
 * `TAKT_TEST_SEED` makes it take other ones.
 */
export function chance(seed = Number(process.env['TAKT_TEST_SEED'] ?? 1)) {
  let state = seed
  /** From 0 to below 1, by mulberry32. */
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    const once = Math.imul(state ^ (state >>> 15), state | 1)
    const twice = once ^ (once + Math.imul(once ^ (once >>> 7), once | 61))
    return ((twice ^ (twice >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (most: number) => Math.floor(next() * most)
  const pick = <T>(items: readonly T[]): T | undefined => items[below(items.length)]
  return { next, below, pick }
}
