import { backoffMs } from '../backoff.ts'
import type { Retry } from '../language/step.ts'

/** How an attempt ended that did not succeed. A runner that went silent has `errored`, with the code `runner_lost`. */
export type EndedAttempt = {
  readonly attempt: number
  readonly move: 'fail' | 'break'
  readonly code: string | null
  readonly message: string | null
  readonly exitCode: number | null
}
/** What holds for a job that says nothing: the author's failures are final, ours are tried twice more. */
const WITHOUT_A_WORD: Retry = { max: 2, on: ['errored'], backoff: 'exponential', delayMs: 1_000 }
/** A pause that grows ends here; one that its author fixed is as long as they say. */
const LONGEST_GROWN_MS = 5 * 60_000
const MOST_WORDS = 300
const SIGNALS = { first: 129, last: 192 }

/** How often a run of the job may be begun. */
export const attemptsOf = (retry: Retry | null): number => (retry ?? WITHOUT_A_WORD).max + 1

/**
 * Whether a run is begun once more, after which pause, and why, in words; null where its end is final.
 *
 * @param chance  From 0 to 1: those who failed together must not come back together.
 */
export function againAfter(
  retry: Retry | null,
  ended: EndedAttempt,
  chance: number,
): { readonly reason: string; readonly pauseMs: number } | null {
  const { max, on, backoff, delayMs } = retry ?? WITHOUT_A_WORD
  if (ended.attempt > max || !on.some((ending) => isSuch(ending, ended))) return null
  const reason = reasonOf(ended)
  if (ended.code === LOST) return { reason, pauseMs: 0 } // another machine has no part in what befell this one
  if (backoff === 'fixed') return { reason, pauseMs: delayMs }
  const grown = backoffMs(ended.attempt - 1, { firstMs: delayMs, mostMs: LONGEST_GROWN_MS })
  return { reason, pauseMs: Math.round(grown * chance) }
}

export const LOST = 'runner_lost'

function isSuch(ending: string, { move, code, exitCode }: EndedAttempt): boolean {
  switch (ending) {
    case 'failed':
      return move === 'fail'
    case 'errored':
      return move === 'break'
    case 'timeout':
      return code === 'timeout' || code === 'inactive'
    case 'signal':
      return exitCode !== null && exitCode >= SIGNALS.first && exitCode <= SIGNALS.last
    default:
      return ending === `exit:${exitCode}`
  }
}

/** `attempt 1 failed: exit code 3`. */
function reasonOf({ attempt, move, code, message, exitCode }: EndedAttempt): string {
  const how = move === 'fail' ? 'failed' : code === LOST ? 'was lost' : 'errored'
  const why = message ?? (exitCode === null ? null : `exit code ${exitCode}`)
  return `attempt ${attempt} ${how}${why === null ? '' : `: ${why.slice(0, MOST_WORDS)}`}`
}
