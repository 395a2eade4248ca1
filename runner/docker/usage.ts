import type { Usage } from '../engine.ts'
import type { Box } from './box.ts'

/** What a run took: the processor's time of all its containers together, the memory of the one that took most. */
export async function usageOf(boxes: readonly Box[]): Promise<Usage> {
  const asked = boxes.map(async (box) => box.idleShell?.taken())
  const taken = (await Promise.all(asked)).flatMap((usage) => usage ?? [])
  return {
    peakMemoryBytes: taken.reduce<number | null>(
      (most, { peakMemoryBytes }) => max(most, peakMemoryBytes),
      null,
    ),
    cpuMs: taken.reduce<number | null>((sum, { cpuMs }) => (cpuMs === null ? sum : (sum ?? 0) + cpuMs), null),
  }
}

const max = (a: number | null, b: number | null) => (a === null || b === null ? (a ?? b) : Math.max(a, b))
