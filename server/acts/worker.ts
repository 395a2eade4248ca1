import type { Db } from '../db/connect.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker, type Worker } from '../events/worker.ts'
import { endTriggered } from './end-triggered.ts'
import { hearAll } from './hear.ts'
import { triggerAll } from './trigger.ts'

export type ActDeps = { readonly db: Db }

/** Do what the server does at gates, and hear what they wait for. What it knows lies in the database: any server may go on with it. */
export function startActs({ db }: ActDeps, loop: { hints: Hints; sweepMs: number }): Worker {
  const look = async () => {
    await hearAll(db)
    await endTriggered(db)
    return triggerAll(db)
  }
  return startWorker('acts', look, loop)
}
