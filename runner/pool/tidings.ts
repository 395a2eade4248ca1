import { randomUUID } from 'node:crypto'
import { MOST_TOLD, type RunnerSays } from '#pipelines/wire/runner.ts'

type Standing = Extract<RunnerSays, { say: 'standing' }>
type Event = Standing['events'][number]
/** Something that happened to the runner, for people. */
export type Told = Pick<Event, 'kind' | 'words'> & { readonly slots?: number }

/** What the server should know of the runner itself: how it stands, and what happened since the server last noted it. */
export class Tidings {
  /** Tells this process's numbers from those of its earlier lives. */
  readonly life = randomUUID()
  #events: Event[] = []
  #seq = 0
  #trouble: string | null = null

  tell({ kind, words, slots = undefined }: Told): void {
    this.#events.push({ seq: ++this.#seq, kind, words, slots: slots ?? null })
    if (this.#events.length > MOST_TOLD) this.#events.shift()
  }

  ail(trouble: string | null): void {
    this.#trouble = trouble
  }

  standing(slots: number): Standing {
    return { say: 'standing', slots, trouble: this.#trouble, events: [...this.#events] }
  }

  /** The server has written down everything up to and including `seq`. */
  noted(seq: number): void {
    this.#events = this.#events.filter((event) => event.seq > seq)
  }
}
