/** How long to wait after the first failure, and how long at most. */
export type Patience = { readonly firstMs: number; readonly mostMs: number }

/**
 * How long to leave something alone that failed again: twice as long each time. Callers spread it by chance, each in its own way, so
 * that those who failed together do not come back together.
 *
 * @param before  Failures before this one, from 0.
 */
export const backoffMs = (before: number, { firstMs, mostMs }: Patience): number =>
  Math.min(firstMs * 2 ** Math.min(before, 30), mostMs)
