import type { Db } from '../db/connect.ts'
import { log } from '../log.ts'
import type { Entry } from './entry.ts'
import { writeEntry } from './write-entry.ts'

/** Where entries are written that no change carries: attempts that came to nothing, and what changed outside the database. */
export interface Book extends AsyncDisposable {
  /** Write an entry; what cannot be written is logged, because what it tells of has happened. */
  note(entry: Entry): Promise<void>
}

/** For so long the same attempt is counted instead of written again. */
const WINDOW_MS = 60_000
const TICK_MS = 10_000
/** So many kinds of attempts are told apart in that time; the rest is one kind. */
const MOST_KINDS = 1_000

type Counted = { readonly since: number; entry: Entry; more: number }

/**
 * A flood of attempts is one entry, then one more with their number: the first is written at once, what follows within a minute is
 * counted. What was counted and not yet written dies with a server that is killed; the first of them does not.
 */
export function openBook(db: Db, { windowMs = WINDOW_MS, mostKinds = MOST_KINDS } = {}): Book {
  const counted = new Map<string, Counted>()
  async function write(entry: Entry): Promise<void> {
    try {
      await writeEntry(db, entry)
    } catch (error) {
      log.error({ err: error, action: entry.action, outcome: entry.outcome }, 'audit.not-written')
    }
  }
  async function settle(until: number): Promise<void> {
    for (const [kind, { since, entry, more }] of counted) {
      if (since > until) continue
      counted.delete(kind)
      if (more > 0) await write({ ...entry, count: more })
    }
  }
  const tick = setInterval(() => void settle(Date.now() - windowMs), Math.min(TICK_MS, windowMs))
  return {
    async note(entry) {
      if (entry.outcome === 'done') return write(entry)
      const own = kindOf(entry)
      const kind = counted.has(own) || counted.size < mostKinds ? own : `any ${entry.outcome}`
      const before = counted.get(kind)
      if (before) {
        before.more += 1
        before.entry = kind === own ? entry : anybodys(entry)
        return
      }
      counted.set(kind, { since: Date.now(), entry, more: 0 })
      await write(entry)
    },
    async [Symbol.asyncDispose]() {
      clearInterval(tick)
      await settle(Number.POSITIVE_INFINITY)
    },
  }
}

/** Who is let in may be refused many things; who is not let in is at the same thing, whatever it is that they guess at. */
function kindOf({ actor, via, address, action, outcome, target, reason }: Entry): string {
  const what = outcome === 'denied' ? [reason?.split(':')[0]] : [target, reason]
  return JSON.stringify([actor, via, address, action, outcome, ...what])
}

/** Of many different attempts, what they have in common. */
const anybodys = (entry: Entry): Entry => ({
  ...entry,
  ...{ actor_id: null, actor: 'various', actor_kind: 'nobody', via: 'none', token: null, address: null },
  ...{ target: 'various', reason: 'more different attempts in a minute than are told apart' },
  ...{ organization_id: null, project: null },
})
