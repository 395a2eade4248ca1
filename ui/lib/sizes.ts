import type { Run } from './api.ts'
import { duration } from './time.ts'

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** A number of bytes as people read it: `1 byte`, `312 bytes`, `4.2 MiB`. */
export function sizeWords(bytes: number): string {
  if (bytes === 1) return '1 byte'
  let unit = 0
  let count = Math.max(0, bytes)
  for (; count >= 1024 && unit < UNITS.length - 1; unit++) count /= 1024
  return `${unit === 0 || count >= 100 ? Math.round(count) : count.toFixed(1)} ${UNITS[unit]}`
}

/** What a run took of the machine, as far as that could be told. */
export function usageWords(usage: Run['usage']): string[] {
  const memory = usage?.peak_memory_bytes ?? null
  const cpu = usage?.cpu_ms ?? null
  return [
    ...(memory === null ? [] : [`${sizeWords(memory)} of memory at most`]),
    ...(cpu === null ? [] : [`${duration(cpu)} of a processor`]),
  ]
}

/** A difference in percentage points, with its sign. */
export const pointsWords = (points: number): string =>
  `${points > 0 ? '+' : points < 0 ? '−' : '±'}${Math.abs(points).toFixed(2)}`
