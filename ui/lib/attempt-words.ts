import type { Run } from './api.ts'

/**
 * How an earlier attempt ended, and why. The server tells it in one sentence, which names the attempt once more: `attempt 1 was
 * lost: the runner went away`.
 */
export function endingOfAttempt({
  attempt,
  state,
  reason,
}: Pick<Run['earlier'][number], 'attempt' | 'state' | 'reason'>): { how: string; why: string | null } {
  const told = new RegExp(`^attempt ${attempt} (was lost|failed|errored)(?:: (.*))?$`, 's').exec(reason)
  return told?.[1] ? { how: told[1], why: told[2]?.trim() || null } : { how: state, why: reason }
}
