import { cursor, eventsAfter, type Followed } from '../events/follow.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker } from '../events/worker.ts'
import type { Db } from '../db/connect.ts'

/** An event with its JSON, written once for all who are told. */
export type Written = Followed & { readonly text: string }
/** `since` is the cursor before these events: who stands there or behind has missed nothing. */
type Tell = (events: readonly Written[], since: number) => void

/** Events as they are committed, read once per process and handed to everybody who listens. */
export interface Feed extends AsyncDisposable {
  /** The id of the last event that was handed on. */
  readonly cursor: number
  on(told: Tell): () => void
  /** The events after a cursor, oldest first, at most a page of them; those of late without asking the database. */
  after(cursor: number): Promise<readonly Written[]>
}

const PAGE = 500
const SWEEP_MS = 5_000
/** A thousand pages that call again after a cut have missed the same few events. */
const REMEMBERED = 2_000

export async function startFeed(db: Db, hints: Hints): Promise<Feed> {
  const listeners = new Set<Tell>()
  let at = await cursor(db)
  /** Everything between `from` and `at`. */
  let recent: readonly Written[] = []
  let from = at
  const worker = startWorker(
    'live',
    async () => {
      const events = written(await eventsAfter(db, at, PAGE))
      const last = events.at(-1)
      if (!last) return false
      const since = at
      at = last.id
      const all = [...recent, ...events]
      from = all.at(-REMEMBERED - 1)?.id ?? from
      recent = all.slice(-REMEMBERED)
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
    async after(cursor) {
      if (cursor < from) return written(await eventsAfter(db, cursor, PAGE))
      const first = recent.findIndex(({ id }) => id > cursor)
      return first === -1 ? [] : recent.slice(first, first + PAGE)
    },
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  }
}

const written = (events: readonly Followed[]): Written[] =>
  events.map((followed) => ({ ...followed, text: JSON.stringify(followed.event) }))
