import type { Db } from '../db/connect.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker } from '../events/worker.ts'
import type { Forges } from '../forges/repository.ts'
import { log } from '../log.ts'
import { claimComparisons, compareNow, type Due, enrol, settleComparison } from './comparisons.ts'
import { compareRefs } from './compare-refs.ts'
import type { PullForges } from './told-pulls.ts'

const MOST_AT_ONCE = 4
/** Every commit of the database is a hint to look, and few of them concern this. */
const REST_MS = 1_000

type Deps = {
  readonly db: Db
  readonly forges: Forges
  readonly pullForges: PullForges
  /** How often; null: at the start, and when somebody asks. */
  readonly everyMs: number | null
}

/** Catch up with what nobody told us of: at the start, now and then, and when somebody asks. */
export async function startComparisons(
  given: Deps,
  loop: { hints: Pick<Hints, 'on'>; sweepMs: number },
): Promise<AsyncDisposable> {
  const quit = new AbortController()
  const { db, everyMs, pullForges } = given
  const forges = { ...given.forges, quit: quit.signal }

  async function carryOut(due: Due): Promise<void> {
    try {
      const outcome = await compareRefs({ db, forges, pullForges }, due)
      if (!quit.signal.aborted) await settleComparison(db, due, { outcome, everyMs })
    } catch (error) {
      if (!quit.signal.aborted) log.error({ err: error, repository: due.id }, 'comparison.failed') // its lease ends, and it is due again
    }
  }
  let lookedAt = -REST_MS
  let later: NodeJS.Timeout | null = null
  async function look(): Promise<boolean> {
    const restMs = lookedAt + REST_MS - performance.now()
    if (restMs > 0) {
      later ??= setTimeout(wake, restMs).unref()
      return false
    }
    lookedAt = performance.now()
    await enrol(db)
    const due = await claimComparisons(db, MOST_AT_ONCE)
    await Promise.all(due.map(carryOut))
    return due.length > 0
  }
  const wake = () => {
    later = null
    worker.poke()
  }
  await compareNow(db)
  const worker = startWorker('comparisons', look, loop)
  return {
    async [Symbol.asyncDispose]() {
      quit.abort()
      if (later) clearTimeout(later)
      await worker[Symbol.asyncDispose]()
    },
  }
}
