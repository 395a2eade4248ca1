import { startWorker, type Worker } from '../events/worker.ts'
import type { Hints } from '../events/listen.ts'
import { followEvents } from './follow.ts'
import { noteLateRuns } from './late-runs.ts'
import { nextDueMs, sendDue, type Sending } from './send.ts'

/** How often it is looked which runs no runner takes. */
const LATE_EVERY_MS = 60_000

/**
 * Tell people what has happened. What is to be told lies in the database; between two events this waits for the next message that is
 * due. Several servers share the work.
 */
export function startNotices(sending: Sending, loop: { hints: Hints; sweepMs: number }): Worker {
  let alarm: NodeJS.Timeout | undefined
  let lookedMs = -Infinity
  const look = async () => {
    clearTimeout(alarm)
    if (performance.now() - lookedMs > LATE_EVERY_MS) {
      lookedMs = performance.now()
      await noteLateRuns(sending.db)
    }
    if (await followEvents(sending.db)) return true
    if (await sendDue(sending)) return true
    const inMs = await nextDueMs(sending.db)
    // One that is due, and that another server has: its time will come with an event, or with the next look.
    if (inMs !== null && inMs < loop.sweepMs)
      alarm = setTimeout(() => worker.poke(), Math.max(inMs, 100)).unref()
    return false
  }
  const worker = startWorker('notices', look, loop)
  return {
    poke: () => worker.poke(),
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]()
      clearTimeout(alarm)
    },
  }
}
