import { createSubscriber } from 'svelte/reactivity'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import type { Topic } from '#pipelines/wire/live.ts'
import { redialMs } from '#pipelines/wire/redial.ts'
import { Refusal, type Answer } from './api.ts'
import { coalesce, type Coalesced } from './coalesce.ts'
import type { Live } from './live.svelte.ts'

export type SnapshotOptions<Value> = {
  readonly topic: Topic
  /** @param since  What is known already; null where all of it has to be taken. */
  readonly take: (signal: AbortSignal, since: Since<Value> | null) => Promise<Answer<Value>>
  /** Whether the event makes the value old, so that it is taken anew. */
  readonly concerns: (event: TaktEvent, value: Value) => boolean
  /** What the event says about the value by itself, shown before the new one arrives. */
  readonly apply?: (value: Value, event: TaktEvent) => Value
}

/** The value as it was taken last, and the events that have made it old since. */
export type Since<Value> = { readonly value: Value; readonly events: readonly TaktEvent[] }

const WAIT_MS = 80
/** What is committed together arrives together. */
const SOON_MS = 10

/**
 * Something the server knows, kept true for as long as somebody looks at it.
 *
 * Taken over HTTP, then followed from its cursor; an answer that was overtaken by events has them applied to it again.
 */
export class Snapshot<Value> {
  #value = $state.raw<Value | null>(null)
  #problem = $state.raw<Refusal | null>(null)
  #unheard: { event: TaktEvent; cursor: number }[] = []
  /** What was heard since the last take began; null where nothing that is known counts any more. */
  #news: readonly TaktEvent[] | null = null
  #taking: Coalesced | null = null
  #stopWatching: (() => void) | null = null
  readonly #live: Live
  readonly #options: SnapshotOptions<Value>
  readonly #subscribe: () => void

  constructor(live: Live, options: SnapshotOptions<Value>) {
    this.#live = live
    this.#options = options
    this.#subscribe = createSubscriber(() => this.#follow())
  }

  get value(): Value | null {
    this.#subscribe()
    return this.#value
  }

  /** Why there is no value, or why the one shown may be old. */
  get problem(): Refusal | null {
    this.#subscribe()
    return this.#problem
  }

  /** Shows what a person just did before the server has confirmed it; the next snapshot tells the truth. */
  assume(change: (value: Value) => Value): void {
    if (this.#value !== null) this.#value = change(this.#value)
  }

  refresh(): void {
    this.#news = null
    this.#taking?.now()
  }

  #follow(): () => void {
    const taking = coalesce({
      waitMs: WAIT_MS,
      soonMs: SOON_MS,
      run: (signal) => this.#take(signal),
      retryMs: (failures, cause) => this.#afterFailure(failures, cause),
    })
    this.#taking = taking
    taking.now()
    return () => {
      taking.stop()
      this.#news = null
      this.#stopWatching?.()
      this.#stopWatching = null
    }
  }

  async #take(signal: AbortSignal): Promise<void> {
    const { body, cursor } = await this.#ask(signal)
    if (signal.aborted) return
    const overtaken = this.#unheard.filter((heard) => heard.cursor > cursor)
    this.#unheard = []
    this.#value = overtaken.reduce((value, { event }) => this.#options.apply?.(value, event) ?? value, body)
    this.#problem = null
    this.#stopWatching ??= this.#watch(cursor)
  }

  async #ask(signal: AbortSignal): Promise<Answer<Value>> {
    const news = this.#news
    this.#news = []
    let isTaken = false
    try {
      const since = news && this.#value !== null ? { value: this.#value, events: news } : null
      const answer = await this.#options.take(signal, since)
      isTaken = !signal.aborted
      return answer
    } finally {
      if (!isTaken) this.#news = news && this.#news && [...news, ...this.#news]
    }
  }

  #watch(after: number): () => void {
    return this.#live.watch({
      topic: this.#options.topic,
      after,
      heard: (event, cursor) => this.#hear(event, cursor),
      behind: () => {
        this.#stopWatching?.()
        this.#stopWatching = null
        this.#news = null
        this.#taking?.ask()
      },
      refused: (reason) =>
        (this.#problem = new Refusal({ status: 0, code: 'live_refused', title: 'Not live', detail: reason })),
    })
  }

  #hear(event: TaktEvent, cursor: number): void {
    if (this.#value === null || !this.#options.concerns(event, this.#value)) return
    this.#unheard.push({ event, cursor })
    this.#news = this.#news && [...this.#news, event]
    this.#value = this.#options.apply?.(this.#value, event) ?? this.#value
    this.#taking?.ask()
  }

  /** A refusal stays one until something happens; anything else (no network, a restart) is tried again for as long as it takes. */
  #afterFailure(failures: number, cause: unknown): number | null {
    const refusal = cause instanceof Refusal ? cause : null
    this.#problem = refusal ?? Refusal.unreachable()
    return refusal && refusal.status < 500 ? null : redialMs(failures + 2, Math.random())
  }
}
