import type { OrganizationId, UserId } from '#pipelines/ids.ts'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import { type Companion, companion } from '../db/companion.ts'
import type { Trx } from '../db/connect.ts'
import { Problem, statusOf } from '../problem.ts'
import type { Book } from './book.ts'
import type { Entry } from './entry.ts'
import { writeEntry } from './write-entry.ts'

/** Who does what to what, and from where. */
export type Facts = Omit<Entry, 'outcome' | 'reason' | 'before' | 'after' | 'count'>

/** What only the one who makes the change knows. A secret's value is none of it. */
export type Note = {
  /** The setting as it was, and as it is now. */
  readonly before?: object | null
  readonly after?: object | null
  readonly reason?: string
  readonly target?: string
  readonly organization?: OrganizationId
  readonly project?: string
  /** Who it is that does it, where that is known only now, as when somebody signs in; a name that somebody only claims has no id. */
  readonly actor?: { readonly id: UserId | null; readonly name: string }
}

/** One entry to be: it is written with the first transaction of the work that it tells of, or after the work. */
export class Page implements Companion {
  #state: 'open' | 'pending' | 'written' = 'open'
  #note: Note = {}
  readonly #facts: () => Facts

  /** @param facts  Asked when the entry is written: who asks is found out on the way. */
  constructor(facts: () => Facts) {
    this.#facts = facts
  }

  add(note: Note): void {
    this.#note = { ...this.#note, ...note }
  }

  async write(trx: Trx, events: readonly TaktEvent[]): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'pending'
    await writeEntry(trx, this.#entry({ outcome: 'done', reason: this.#note.reason ?? null }, events))
  }

  committed(): void {
    if (this.#state === 'pending') this.#state = 'written'
  }

  undone(): void {
    if (this.#state === 'pending') this.#state = 'open'
  }

  /** The work is over. What was done and is on record already needs no more words. */
  async close(book: Book, ending: Ending): Promise<void> {
    const isTold = this.#state === 'written' && ending.outcome === 'done'
    this.#state = 'written'
    if (!isTold) await book.note(this.#entry(ending, []))
  }

  #entry({ outcome, reason }: Ending, events: readonly TaktEvent[]): Entry {
    const { actor, before, after, ...note } = this.#note
    const facts = this.#facts()
    const said = events.find((event) => 'project' in event && event.project !== null)
    const run = events.find((event) => event.kind === 'run.moved' && event.from === null)
    return {
      ...facts,
      ...(actor ? { actor_id: actor.id, actor: actor.name, actor_kind: 'person' as const } : {}),
      organization_id: note.organization ?? facts.organization_id,
      project: note.project ?? facts.project ?? (said && 'project' in said ? said.project : null),
      target: note.target ?? (run && 'run' in run ? `${facts.target} → run ${run.run}` : facts.target),
      ...{ outcome, reason, count: 1 },
      // an attempt that came to nothing changed nothing
      before: outcome === 'done' ? (before ?? null) : null,
      after: outcome === 'done' ? (after ?? null) : null,
    }
  }
}

type Ending = Pick<Entry, 'outcome' | 'reason'>

/** Say more of the change that is being made, for its entry. Where nothing is on record, it is said to nobody. */
export function audited(note: Note): void {
  const page = companion.getStore()
  if (page instanceof Page) page.add(note)
}

/** Do something that is to be on record, and have what came of it written down. What it throws, it throws on. */
export async function onRecord<T>(book: Book, facts: Facts, work: () => Promise<T>): Promise<T> {
  const page = new Page(() => facts)
  try {
    const result = await companion.run(page, work)
    await page.close(book, { outcome: 'done', reason: null })
    return result
  } catch (error) {
    await page.close(book, endingOf(error, false))
    throw error
  }
}

/**
 * How an attempt ended that ended with this error.
 *
 * @param admitted  Whether the asker had the right to try: what they then do not find is not there, and was not kept from them.
 */
export function endingOf(error: unknown, admitted: boolean): Ending {
  if (!(error instanceof Problem))
    return { outcome: 'failed', reason: 'the server failed; the cause is in its log' }
  const status = statusOf(error.code)
  const isDenied = status === 401 || status === 403 || (status === 404 && !admitted)
  const outcome = status >= 500 ? 'failed' : isDenied ? 'denied' : 'refused'
  return { outcome, reason: `${error.code}: ${error.detail}` }
}
