import { redialMs } from '#pipelines/wire/redial.ts'
import { Refusal } from './api.ts'
import { coalesce } from './coalesce.ts'
import type { Rehearsed, Wanted } from './editor-api.ts'

/** What became of a text that was tried. */
export type Tried = Rehearsed & { readonly wanted: Wanted }

/** How long somebody may go on writing before the text is tried. */
const WAIT_MS = 250

/** A text tried as it is written: one request at a time, and always the newest text next. */
export class Rehearsal {
  #tried = $state.raw<Tried | null>(null)
  #good = $state.raw<Tried | null>(null)
  #problem = $state.raw<Refusal | null>(null)
  #wanted: Wanted | null = null
  readonly #asking

  constructor(ask: (wanted: Wanted, signal: AbortSignal) => Promise<Rehearsed>) {
    this.#asking = coalesce({
      waitMs: WAIT_MS,
      run: async (signal) => {
        const wanted = this.#wanted
        if (wanted === null) return
        const tried = { ...(await ask(wanted, signal)), wanted }
        if (signal.aborted) return
        this.#tried = tried
        if (tried.line) this.#good = tried
        this.#problem = null
      },
      retryMs: (failures, cause) => {
        const refusal = cause instanceof Refusal ? cause : null
        this.#problem = refusal ?? Refusal.unreachable()
        return refusal && refusal.status < 500 ? null : redialMs(failures + 2, Math.random())
      },
    })
  }

  /** The last that was tried; newer text may have been written since. */
  get tried(): Tried | null {
    return this.#tried
  }
  /** The last that was a line. */
  get good(): Tried | null {
    return this.#good
  }
  get problem(): Refusal | null {
    return this.#problem
  }

  want(wanted: Wanted): void {
    this.#wanted = wanted
    this.#asking.ask()
  }

  /** As `want`, but at once. */
  wantNow(wanted: Wanted): void {
    this.#wanted = wanted
    this.#asking.now()
  }

  stop = (): void => this.#asking.stop()
}
