import { encodeLog } from '#pipelines/wire/runner.ts'
import type { ReportEntry, RunnerSays } from '#pipelines/wire/runner.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import { orAbort, Stop } from './stop.ts'

/** So much may wait for the server's word; a run that has more to say is made to wait itself. */
const MOST_UNHEARD_BYTES = 8 * 2 ** 20
/** What an entry costs in memory besides its own bytes. */
const ENTRY_BYTES = 200

/** What goes over the wire as it is: a text frame or a binary one. */
export type Frame = string | Uint8Array
type Unheard = { readonly seq: number; readonly frame: Frame; readonly bytes: number }

/**
 * A run that was given to this runner, and the numbered report of it.
 *
 * Every frame is kept until the server has heard it, so that it can be said again, in order, on the next connection.
 */
export class Work {
  readonly plan: Plan
  readonly lease: string
  readonly #send: (frame: Frame) => void
  readonly #abort = new AbortController()
  #unheard: Unheard[] = []
  #bytes = 0
  #seq = 0
  #ended = false
  #more = Promise.withResolvers<void>()

  /** @param send  Says a frame at once where there is a connection; else it is kept for the next one. */
  constructor(plan: Plan, lease: string, send: (frame: Frame) => void) {
    this.plan = plan
    this.lease = lease
    this.#send = send
  }

  /** Aborts with a `Stop` when the run is to end before its time. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Whether the run's last entry was said and everything has been heard, or the run was forgotten. */
  get over(): boolean {
    return this.#ended && this.#unheard.length === 0
  }

  /** Everything the server has not confirmed yet, in order. */
  get unheard(): readonly Frame[] {
    return this.#unheard.map(({ frame }) => frame)
  }

  report(entry: ReportEntry): void {
    if (this.#ended) return // forgotten: nobody wants to know
    const message: RunnerSays = {
      say: 'report',
      run: this.plan.run,
      lease: this.lease,
      seq: ++this.#seq,
      entry,
    }
    if (entry.kind === 'run.ended') this.#ended = true
    this.#say(JSON.stringify(message))
  }

  /** @param bytes  At most `LOG_CHUNK_BYTES`. */
  log(step: number, bytes: Uint8Array): void {
    if (this.#ended) return
    this.#say(encodeLog({ run: this.plan.run, lease: this.lease, seq: ++this.#seq, step }, bytes))
  }

  #say(frame: Frame): void {
    const bytes = frame.length + ENTRY_BYTES
    this.#unheard.push({ seq: this.#seq, frame, bytes })
    this.#bytes += bytes
    this.#send(frame)
  }

  /** Wait until the report may grow again. */
  async room(signal: AbortSignal): Promise<void> {
    while (this.#bytes > MOST_UNHEARD_BYTES) await orAbort(this.#more.promise, signal)
  }

  /** The server has everything up to and including `seq`. */
  heard(seq: number): void {
    const kept = this.#unheard.findIndex((entry) => entry.seq > seq)
    const gone = this.#unheard.splice(0, kept === -1 ? this.#unheard.length : kept)
    this.#bytes -= gone.reduce((sum, { bytes }) => sum + bytes, 0)
    this.#more.resolve()
    this.#more = Promise.withResolvers()
  }

  stop(reason: Stop): void {
    this.#abort.abort(reason)
  }

  /** The run is another runner's now: stop it, and say nothing more of it. */
  forget(): void {
    this.#ended = true
    this.heard(this.#seq)
    this.stop(new Stop('forgotten', 'The run was given to another runner.'))
  }
}
