import type { Db } from '../db/connect.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker, type Worker } from '../events/worker.ts'
import { expireGates } from './expire.ts'
import { openGates } from './open.ts'

/**
 * Open gates, and close those whose time is over. Times end by the clock, and no event tells of it: between two events, this waits
 * for the next end. What it knows lies in the database, so that any server may take over at any moment.
 */
export function startGates(db: Db, loop: { hints: Hints; sweepMs: number }): Worker {
  let alarm: NodeJS.Timeout | undefined
  const look = async () => {
    clearTimeout(alarm)
    if (await openGates(db)) return true
    const inMs = await expireGates(db)
    if (inMs !== null && inMs < loop.sweepMs) alarm = setTimeout(() => worker.poke(), inMs).unref()
    return false
  }
  const worker = startWorker('gates', look, loop)
  return {
    poke: () => worker.poke(),
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]()
      clearTimeout(alarm)
    },
  }
}
