/** Nobody silences us for longer, whatever their clock or their mood. */
const MOST_MS = 24 * 3_600_000
/** What RFC 9110 writes; the older forms that name their zone are read, too. */
const DATE = /^[A-Z][a-z]{2,8}, .{8,40} GMT$/

/**
 * How long the other side asks to be left alone by its `Retry-After`: seconds, or a date (RFC 9110, 10.2.3). At most a day; null where
 * it asks for nothing, or in a way that nobody can read. A moment that is over is 0.
 */
export function retryAfterMs(header: string | null, nowMs = Date.now()): number | null {
  const said = header?.trim() ?? ''
  const ms = /^\d{1,15}$/.test(said)
    ? Number(said) * 1_000
    : DATE.test(said)
      ? Math.max(0, Date.parse(said) - nowMs)
      : NaN
  return Number.isNaN(ms) ? null : Math.min(ms, MOST_MS)
}
