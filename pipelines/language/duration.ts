const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const FORM = /^(?:\d+[smhd])+$/

/** `90s`, `30m`, `1h30m`, `2d` in milliseconds; null where the text is no duration. */
export function parseDuration(text: string): number | null {
  if (!FORM.test(text)) return null
  let totalMs = 0
  for (const [, count, unit] of text.matchAll(/(\d+)([smhd])/g)) {
    totalMs += Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]
  }
  return totalMs
}
