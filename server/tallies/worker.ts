import { HOUR_MS } from '#pipelines/tallies/measures.ts'
import type { Db } from '../db/connect.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker, type Worker } from '../events/worker.ts'
import { countOn, dropOld } from './count.ts'

/** Count runs for the charts as they end, beside the work: nobody's run waits for it. */
export function startTallies(db: Db, loop: { hints: Pick<Hints, 'on'>; sweepMs: number }): Worker {
  let droppedMs = -Infinity
  return startWorker(
    'tallies',
    async () => {
      if (performance.now() - droppedMs > HOUR_MS) {
        await dropOld(db)
        droppedMs = performance.now()
      }
      return countOn(db)
    },
    loop,
  )
}
