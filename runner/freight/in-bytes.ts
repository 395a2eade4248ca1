const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** A size for people: `1.2 MB`. */
export function inBytes(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  return `${Number((bytes / 1_000 ** power).toPrecision(3))} ${UNITS[power] ?? 'B'}`
}
