import { MOST_IMAGES, type RanImage } from '#pipelines/wire/images.ts'
import { encodeLog } from '#pipelines/wire/log-frames.ts'
import { LOG_CHUNK_BYTES, MOST_FRAME_BYTES, MOST_LETTERS } from '#pipelines/wire/runner.ts'
import type { ReportEntry, RunnerSays } from '#pipelines/wire/runner.ts'
import type { Carried, Plan } from '#pipelines/wire/plan.ts'
import { giveBack } from './give-back.ts'
import { Mask } from './mask.ts'
import { packLog } from './pack-log.ts'
import { secretTexts } from './secret-texts.ts'
import { orAbort, Stop } from './stop.ts'
import { incompleteTail } from './utf8.ts'

/** So much may wait for the server's word; a run that has more to say is made to wait itself. */
const MOST_UNHEARD_BYTES = 8 * 2 ** 20
/** What an entry costs in memory besides its own bytes. */
const ENTRY_BYTES = 200

/** What goes over the wire as it is: a text frame or a binary one. */
export type Frame = string | Uint8Array
/** Says a frame where there is a connection, and calls back when it needs it no more. */
export type Send = (frame: Frame, left: () => void) => void
type Unheard = {
  readonly seq: number
  readonly frame: Frame
  readonly bytes: number
  /** How often it is on its way out of this process at this moment. */
  leaving: number
}

/**
 * A run that was given to this runner, and the numbered report of it.
 *
 * Every frame is kept until the server has heard it, so that it can be said again, in order, on the next connection. This is
 * the one way out for what a run says: the run's secrets are hidden here, in its logs and in every sentence.
 */
export class Work {
  readonly plan: Plan
  readonly lease: string
  readonly #send: Send
  readonly #abort = new AbortController()
  readonly #hurry = new AbortController()
  readonly #mask: Mask
  /** Of the steps that have said something and are not over: each is a stream of its own. */
  readonly #logs = new Map<number, Mask>()
  readonly #images = new Map<string, RanImage>()
  #unheard: Unheard[] = []
  #bytes = 0
  #seq = 0
  #ended = false
  #more = Promise.withResolvers<void>()

  /** @param send  Says a frame at once where there is a connection; else it is kept for the next one. */
  constructor(plan: Plan, lease: string, send: Send) {
    this.plan = plan
    this.lease = lease
    this.#send = send
    this.#mask = new Mask(secretTexts(plan, lease))
  }

  /** Aborts with a `Stop` when the run is to end before its time. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Aborts when nothing of the run is to go on, not even what tidies up behind it. */
  get hurry(): AbortSignal {
    return this.#hurry.signal
  }

  /** Whether the run's last entry was said and everything has been heard, or the run was forgotten. */
  get over(): boolean {
    return this.#ended && this.#unheard.length === 0
  }

  /** For another stream of what is said of the run: it hides the same. */
  mask(): Mask {
    return new Mask(this.#mask)
  }

  /** Everything the server has not confirmed yet, in order. */
  get unheard(): readonly Frame[] {
    return this.#unheard.map(({ frame }) => frame)
  }

  /** Say all that is unheard once more: there is a new connection. */
  sayAgain(): void {
    for (const entry of this.#unheard) this.#sendOut(entry)
  }

  report(entry: ReportEntry): void {
    if (this.#ended) return // forgotten: nobody wants to know
    if ('step' in entry) this.#finishPart(entry.step)
    const isLast = entry.kind === 'run.ended' || entry.kind === 'part.ended'
    if (isLast) for (const step of [...this.#logs.keys()]) this.#finishPart(step)
    const head = { say: 'report' as const, run: this.plan.run, lease: this.lease, seq: this.#seq + 1 }
    const message: RunnerSays = { ...head, entry: this.#masked(entry) }
    const text = JSON.stringify(message)
    if (Buffer.byteLength(text) > MOST_FRAME_BYTES)
      throw new Error(`A report of \`${entry.kind}\` has ${text.length} characters, more than fit a frame.`)
    this.#seq++
    if (isLast) this.#ended = true
    this.#say(text)
  }

  /** The engine runs something of an image: reported once, and known to whatever the run puts. */
  ran({ image, id, digests }: RanImage): void {
    const key = `${id} ${image}`
    if (this.#images.has(key) || this.#images.size === MOST_IMAGES) return
    const ran = { image: cut(this.#mask.text(image), 500), id, digests: [...digests] }
    this.#images.set(key, ran)
    this.report({ kind: 'image.ran', ...ran })
  }

  get images(): readonly RanImage[] {
    return [...this.#images.values()]
  }

  /** @param bytes  At most `LOG_CHUNK_BYTES`. */
  log(step: number, bytes: Uint8Array): void {
    if (this.#ended) return
    const mask = this.#logs.get(step) ?? this.mask()
    this.#logs.set(step, mask)
    this.#sayLog(step, mask.pushParts(bytes))
  }

  /** A boundary is about to be said: what was held back belongs before it. */
  #finishPart(step: number): void {
    const rest = this.#logs.get(step)?.endParts()
    this.#logs.delete(step)
    if (rest) this.#sayLog(step, rest)
  }

  #sayLog(step: number, parts: readonly Uint8Array[]): void {
    const size = parts.reduce((sum, { length }) => sum + length, 0)
    if (size > LOG_CHUNK_BYTES) return this.#sayLong(step, Buffer.concat(parts))
    if (size === 0) return
    const head = { run: this.plan.run, lease: this.lease, seq: ++this.#seq, step }
    const packed = packLog(parts, size)
    this.#say(packed ? encodeLog({ ...head, packed: packed.of }, packed.bytes) : encodeLog(head, ...parts))
  }

  /** With what was held back before, bytes may have become more than fit into a frame. */
  #sayLong(step: number, bytes: Buffer): void {
    const first = bytes.subarray(0, LOG_CHUNK_BYTES)
    const cut = first.length - incompleteTail(first)
    this.#sayLog(step, [bytes.subarray(0, cut)])
    this.#sayLog(step, [bytes.subarray(cut)])
  }

  /** Cut only then: stars may be more letters than what they hide, and the server refuses a longer text each time it is said. */
  #masked(entry: ReportEntry): ReportEntry {
    switch (entry.kind) {
      case 'step.skipped':
        return { ...entry, reason: cut(this.#mask.text(entry.reason), MOST_LETTERS.reason) }
      case 'outputs': {
        const values = Object.entries(entry.values).map(([name, text]) => [
          name,
          cut(this.#mask.text(text), MOST_LETTERS.value),
        ])
        return { ...entry, values: Object.fromEntries(values) }
      }
      case 'checkpoint.kept':
      case 'part.ended':
        return { ...entry, carried: this.#maskedCarried(entry.carried) }
      case 'run.ended': {
        const { error } = entry
        if (!error) return entry
        const message = cut(this.#mask.text(error.message), MOST_LETTERS.message)
        return { ...entry, error: { ...error, message } }
      }
      default:
        return entry
    }
  }

  #maskedCarried(carried: Carried): Carried {
    const fields = Object.entries(carried.fields).map(([name, text]) => [name, this.#mask.text(text)])
    return { ...carried, fields: Object.fromEntries(fields) }
  }

  #say(frame: Frame): void {
    const bytes = frame.length + ENTRY_BYTES
    const entry = { seq: this.#seq, frame, bytes, leaving: 0 }
    this.#unheard.push(entry)
    this.#bytes += bytes
    this.#sendOut(entry)
  }

  #sendOut(entry: Unheard): void {
    entry.leaving++
    this.#send(entry.frame, () => entry.leaving--)
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
    gone.forEach(letGo)
    this.#more.resolve()
    this.#more = Promise.withResolvers()
  }

  /** End the run, its hooks excepted. Asked for another reason once more, those too; a repeated word changes nothing. */
  stop(reason: Stop): void {
    const known: unknown = this.#abort.signal.reason
    const again = known instanceof Stop && known.message !== reason.message
    this.#abort.abort(reason)
    if (again || reason.why === 'forgotten' || reason.why === 'runner_stopped') this.#hurry.abort(reason)
  }

  /** The run is another runner's now: stop it, and say nothing more of it. */
  forget(): void {
    this.#ended = true
    this.heard(this.#seq)
    this.stop(new Stop('forgotten', 'The run was given to another runner.'))
  }
}

/** A character of two units may be cut in half: what is left of it is no text. */
const cut = (text: string, most: number): string => text.slice(0, most).toWellFormed()

/** Of what nobody needs any more: it may still be on its way out. */
function letGo({ frame, leaving }: Unheard): void {
  if (typeof frame !== 'string' && leaving === 0) giveBack(frame)
}
