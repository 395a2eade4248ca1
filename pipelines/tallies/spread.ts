/**
 * How times are spread, in buckets that grow by a tenth each: spreads of many days are added up without the runs they came of, and
 * what is read from them is at most a twentieth off.
 */

/** The bucket of what was not timed. It counts, and tells no time. */
export const UNTIMED = -1
const GROWTH = Math.log(1.1)

export const bucketOf = (ms: number): number => Math.floor(Math.log(Math.max(1, ms)) / GROWTH)

/** The middle of a bucket, in whole milliseconds. */
export const middleOf = (bucket: number): number => Math.round(Math.exp((bucket + 0.5) * GROWTH))

/** How many there were by their bucket. */
export type Spread = ReadonlyMap<number, number>
export type Quantiles = { readonly n: number; readonly p50_ms: number; readonly p95_ms: number }

/** @returns Null where nothing was timed. */
export function quantilesOf(spread: Spread): Quantiles | null {
  const timed = [...spread].filter(([bucket]) => bucket !== UNTIMED).toSorted(([a], [b]) => a - b)
  const n = timed.reduce((sum, [, count]) => sum + count, 0)
  if (n === 0) return null
  const at = (part: number): number => {
    let left = Math.ceil(n * part)
    const found = timed.find(([, count]) => (left -= count) <= 0)
    return middleOf(found?.[0] ?? 0)
  }
  return { n, p50_ms: at(0.5), p95_ms: at(0.95) }
}

/** What all of them together are. */
export function together(spreads: Iterable<Spread>): Map<number, number> {
  const sum = new Map<number, number>()
  for (const spread of spreads)
    for (const [bucket, count] of spread) sum.set(bucket, (sum.get(bucket) ?? 0) + count)
  return sum
}
