import type { Db } from '../db/connect.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker } from '../events/worker.ts'
import type { Forges } from '../forges/repository.ts'
import { log } from '../log.ts'
import { claimComparisons, compareNow, type Due, enrol, settleComparison } from './comparisons.ts'
import { compareRefs } from './compare-refs.ts'

const MOST_AT_ONCE = 4

type Deps = {
  readonly db: Db
  readonly forges: Forges
  /** How often; null: at the start, and when somebody asks. */
  readonly everyMs: number | null
}

/** Catch up with what nobody told us of: at the start, now and then, and when somebody asks. */
export async function startComparisons(
  given: Deps,
  loop: { hints: Pick<Hints, 'on'>; sweepMs: number },
): Promise<AsyncDisposable> {
  const quit = new AbortController()
  const { db, everyMs } = given
  const forges = { ...given.forges, quit: quit.signal }

  async function carryOut(due: Due): Promise<void> {
    try {
      const outcome = await compareRefs({ db, forges }, due)
      if (!quit.signal.aborted) await settleComparison(db, due, { outcome, everyMs })
    } catch (error) {
      if (!quit.signal.aborted) log.error({ err: error, repository: due.id }, 'comparison.failed') // its lease ends, and it is due again
    }
  }
  async function look(): Promise<boolean> {
    await enrol(db)
    const due = await claimComparisons(db, MOST_AT_ONCE)
    await Promise.all(due.map(carryOut))
    return due.length > 0
  }
  await compareNow(db)
  const worker = startWorker('comparisons', look, loop)
  return {
    async [Symbol.asyncDispose]() {
      quit.abort()
      await worker[Symbol.asyncDispose]()
    },
  }
}
