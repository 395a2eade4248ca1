import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { orAbort } from '../stop.ts'
import { wordsOf } from './refusal.ts'

/** How long an engine may be away: it is updated, or its machine is short of breath. */
const BACK_MS = 30_000
const LOOK_MS = 200
/** What the client says where nobody is there, or nobody is there any more. */
const AWAY: readonly unknown[] = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']

/** What an engine says that is about to end, and has ended what others are to stand on. */
const ENDING = /cannot join network of a non running container/

/**
 * Engines are restarted under runs. What a run tidies up with (its hooks) is tried again as soon as the engine answers: more than
 * once, as one that is being stopped answers until its very end.
 *
 * @throws What went wrong last, where the engine does not come back.
 */
export async function onceBack<T>(
  docker: Docker,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  const late = AbortSignal.any([signal, AbortSignal.timeout(BACK_MS)])
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      signal.throwIfAborted()
      if (!(isAway(error) || ENDING.test(wordsOf(error))) || !(await answers(docker, late))) throw error
    }
  }
}

const isAway = (error: unknown): boolean =>
  error instanceof Error && (('code' in error && AWAY.includes(error.code)) || isAway(error.cause))

/** Resolves with whether it does before it is too late; never at once. */
async function answers(docker: Docker, late: AbortSignal): Promise<boolean> {
  while (!late.aborted) {
    await delay(LOOK_MS, undefined, { signal: late }).catch(() => {}) // aborted: the loop looks at the signal
    const there = await orAbort(docker.ping(), late).then(
      () => true,
      () => false, // asked again
    )
    if (there) return true
  }
  return false
}
