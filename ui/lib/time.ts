/** How long something took, in the largest two units that matter: `40 ms`, `1.4 s`, `12 s`, `3 m 05 s`, `2 h 04 m`, `3 d 2 h`. */
export function duration(ms: number): string {
  const s = Math.max(0, ms) / 1000
  if (s < 0.995) return `${Math.round(s * 1000)} ms`
  if (s < 9.95) return `${s.toFixed(1)} s`
  const whole = Math.round(s)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} m`
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`
}

/** A running clock shows whole seconds only, so that it does not flicker: `4 s`, `1 m 09 s`. */
export const ticking = (ms: number): string =>
  ms < 10_000 ? `${Math.floor(Math.max(0, ms) / 1000)} s` : duration(Math.floor(ms / 1000) * 1000)

/** How long ago: `just now`, `40 s ago`, `5 m ago`, `3 h ago`, `2 d ago`, and a date beyond a month. */
export function ago(at: string, nowMs: number): string {
  const s = Math.round((nowMs - Date.parse(at)) / 1000)
  if (s < 5) return 'just now'
  if (s < 60) return `${s} s ago`
  if (s < 3600) return `${Math.floor(s / 60)} m ago`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`
  if (s < 31 * 86_400) return `${Math.floor(s / 86_400)} d ago`
  return new Date(at).toLocaleDateString(undefined, { year: 'numeric', month: 'short', day: 'numeric' })
}

/** The whole truth about a time, for tooltips: date, clock and zone. */
export const absolute = (at: string): string =>
  new Date(at).toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'long' })

/** A time as it is written down: date, clock and zone, short enough for a line. */
export const written = (at: string): string =>
  new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' })

/** A day alone, where the hour says nothing. */
export const day = (at: string): string => new Date(at).toLocaleDateString(undefined, { dateStyle: 'medium' })

/** From when to when, as it is written down; what both have in common is said once: `Nov 22, 2026, 8:01:22 – 8:05:11 AM UTC`. */
export const between = (from: string, to: string): string =>
  new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' }).formatRange(
    new Date(from),
    new Date(to),
  )

const pad = (value: number) => String(value).padStart(2, '0')
