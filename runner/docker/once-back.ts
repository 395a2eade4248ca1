import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { orAbort } from '../stop.ts'

/** How long an engine may be away: it is updated, or its machine is short of breath. */
const BACK_MS = 30_000
const LOOK_MS = 200
/** What the client says where nobody is there, or nobody is there any more. */
const AWAY: readonly unknown[] = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']

/**
 * Engines are restarted under runs. What a run tidies up with (its hooks) is tried once more as soon as the engine answers.
 *
 * @throws What went wrong first, where the engine does not come back.
 */
export async function onceBack<T>(
  docker: Docker,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    signal.throwIfAborted()
    if (!isAway(error) || !(await answers(docker, signal))) throw error
    return attempt()
  }
}

const isAway = (error: unknown): boolean =>
  error instanceof Error && (('code' in error && AWAY.includes(error.code)) || isAway(error.cause))

async function answers(docker: Docker, signal: AbortSignal): Promise<boolean> {
  const late = AbortSignal.any([signal, AbortSignal.timeout(BACK_MS)])
  while (!late.aborted) {
    const there = await orAbort(docker.ping(), late).then(
      () => true,
      () => false, // asked again
    )
    if (there) return true
    await delay(LOOK_MS, undefined, { signal: late }).catch(() => {}) // aborted: the loop looks at the signal
  }
  return false
}
