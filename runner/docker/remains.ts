import type Docker from 'dockerode'
import type { Log } from '../log.ts'
import { orAbort } from '../stop.ts'
import { isAnswer, unlessGone, unlessMissing, wordsOf } from './refusal.ts'

export type RemainsFacts = {
  readonly docker: Docker
  readonly log: Log
  /** The first pause before what is left is tried again; each one is twice as long as the one before, up to a minute. */
  readonly pauseMs?: number
}

type Remain = {
  readonly kind: 'container' | 'volume' | 'network'
  readonly name: string
  readonly remove: () => Promise<unknown>
}

const FIRST_MS = 1_000
const LONGEST_MS = 60_000
/** A removal that takes longer is not waited for, and asked for again. */
const ANSWER_MS = 60_000
/** An engine that refuses more than so many removals is mended by hand: the oldest is left to the sweep of the next life. */
const MOST = 1_000

/**
 * Engines go away for a moment, and say of a volume or a network that it is in use for a moment longer than it is. Whatever is to
 * be removed is handed over here, by its name: tried at once, and where that fails kept and tried again, in the order in which
 * it was handed over, until it is gone. What is left when this is closed is swept in the runner's next life.
 */
export class Remains implements AsyncDisposable {
  readonly #facts: RemainsFacts
  readonly #left = new Map<string, Remain>()
  #pauseMs: number
  #timer: NodeJS.Timeout | undefined
  #trying: Promise<void> | null = null
  #closed = false

  constructor(facts: RemainsFacts) {
    this.#facts = facts
    this.#pauseMs = this.#firstMs
  }

  /** End and remove a container, by its name or its id. Resolves once that was tried; never throws. */
  container(name: string): Promise<void> {
    const container = this.#facts.docker.getContainer(name)
    const remove = () => container.remove({ force: true, v: true }).catch(unlessGone)
    return this.#take({ kind: 'container', name, remove })
  }

  /** The same for a volume. */
  volume(name: string): Promise<void> {
    const volume = this.#facts.docker.getVolume(name)
    return this.#take({ kind: 'volume', name, remove: () => volume.remove().catch(unlessMissing) })
  }

  /** The same for a network. */
  network(name: string): Promise<void> {
    const network = this.#facts.docker.getNetwork(name)
    return this.#take({ kind: 'network', name, remove: () => network.remove().catch(unlessMissing) })
  }

  /** How many wait to be tried again. */
  get waiting(): number {
    return this.#left.size
  }

  /** Try what is left now: the engine is said to be well. */
  again(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#pauseMs = this.#firstMs
    return (this.#trying ??= this.#tryAll().finally(() => {
      this.#trying = null
      this.#rest()
    }))
  }

  get #firstMs(): number {
    return this.#facts.pauseMs ?? FIRST_MS
  }

  async #take(remain: Remain): Promise<void> {
    const wrong = await this.#attempt(remain)
    if (wrong !== null) this.#keep(remain, wrong)
  }

  /** @returns Why it is still there; null where it is gone. */
  async #attempt({ remove }: Remain): Promise<{ readonly error: unknown } | null> {
    try {
      await orAbort(remove(), AbortSignal.timeout(ANSWER_MS))
      return null
    } catch (error) {
      return { error } // told by who asked
    }
  }

  #keep(remain: Remain, { error }: { readonly error: unknown }): void {
    const { kind, name } = remain
    if (this.#closed) return this.#giveUp(remain)
    this.#facts.log.warn({ kind, name, reason: wordsOf(error) }, 'remains.kept')
    this.#left.set(`${kind} ${name}`, remain)
    const [oldest] = this.#left.values()
    if (this.#left.size > MOST && oldest) this.#giveUp(oldest)
    if (!this.#trying && !this.#timer) this.#rest()
  }

  #giveUp({ kind, name }: Remain): void {
    this.#left.delete(`${kind} ${name}`)
    this.#facts.log.warn({ kind, name }, 'remains.left')
  }

  #rest(): void {
    clearTimeout(this.#timer)
    if (this.#left.size === 0 || this.#closed) return
    const pauseMs = this.#pauseMs
    const next = () => {
      void this.again()
      this.#pauseMs = Math.min(2 * pauseMs, LONGEST_MS)
    }
    this.#timer = setTimeout(next, pauseMs).unref()
  }

  async #tryAll(): Promise<void> {
    for (const [key, remain] of [...this.#left]) {
      const { kind, name } = remain
      const wrong = await this.#attempt(remain)
      if (wrong && !isAnswer(wrong.error)) return // the engine itself is away: no other is worth the asking
      if (wrong) continue
      this.#left.delete(key)
      this.#facts.log.info({ kind, name }, 'remains.removed')
    }
  }

  /** Try all of it a last time. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#trying
    this.#closed = true
    await this.again()
    for (const remain of [...this.#left.values()]) this.#giveUp(remain)
  }
}
