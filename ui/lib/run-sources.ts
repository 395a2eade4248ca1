import type { Answer } from './api.ts'
import type { SnapshotOptions } from './snapshot.svelte.ts'

/** What there is of one run: whatever happens to it makes that old. */
export const followRun = <Value>(
  run: number,
  take: (signal: AbortSignal) => Promise<Answer<Value>>,
): SnapshotOptions<Value> => ({
  topic: { of: 'run', run },
  take,
  concerns: (event) => 'run' in event && event.run === run,
})
