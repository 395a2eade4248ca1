import { cursor, eventsAfter, type Followed } from '../events/follow.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker } from '../events/worker.ts'
import type { Db } from '../db/connect.ts'

/** Events as they are committed, read once per process and handed to everybody who listens. */
export interface Feed extends AsyncDisposable {
  /** The id of the last event that was handed on. */
  readonly cursor: number
  /** `since` is the cursor before these events: who stands there or behind has missed nothing. */
  on(told: (events: readonly Followed[], since: number) => void): () => void
}

const PAGE = 500
const SWEEP_MS = 5_000

export async function startFeed(db: Db, hints: Hints): Promise<Feed> {
  const listeners = new Set<(events: readonly Followed[], since: number) => void>()
  let at = await cursor(db)
  const worker = startWorker(
    'live',
    async () => {
      const events = await eventsAfter(db, at, PAGE)
      const last = events.at(-1)
      if (!last) return false
      const since = at
      at = last.id
      for (const tell of listeners) tell(events, since)
      return events.length === PAGE
    },
    { hints, sweepMs: SWEEP_MS },
  )
  return {
    get cursor() {
      return at
    },
    on(told) {
      listeners.add(told)
      return () => listeners.delete(told)
    },
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  }
}
