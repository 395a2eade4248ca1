import type { RunId } from '#pipelines/ids.ts'

/** Wakes the readers of a run's log in this process when something was added to it. Readers in other processes look themselves. */
export interface LogHub {
  /** @returns How to stop listening. */
  on(run: RunId, added: () => void): () => void
  added(run: RunId): void
}

export function logHub(): LogHub {
  const readers = new Map<RunId, Set<() => void>>()
  return {
    on(run, added) {
      const all = readers.get(run) ?? new Set()
      readers.set(run, all.add(added))
      return () => {
        all.delete(added)
        if (all.size === 0) readers.delete(run)
      }
    },
    added(run) {
      for (const tell of readers.get(run) ?? []) tell()
    },
  }
}
