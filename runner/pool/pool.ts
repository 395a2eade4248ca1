import type { RunnerMode } from '#pipelines/states.ts'
import type { MachineRoom } from './machine.ts'
import type { Told } from './tidings.ts'

export type PoolOptions = {
  readonly least: number
  readonly most: number
  /** How long a slot above the least is kept that nobody needs. */
  readonly idleMs: number
  readonly machine: () => MachineRoom
  readonly tell: (event: Told) => void
  /** Something else may be asked for now. */
  readonly changed: () => void
  readonly now?: () => number
}

/** A machine shows what a new run costs it only after a moment: slots above the least are added one by one. */
const GROW_MS = 1_000
const LOOK_MS = 1_000

/**
 * The slots of a runner: how many runs it carries out at once, and how many it asks for.
 *
 * It asks for one run more than it has slots while its machine has room; that one comes only where a run waits, and then there is
 * one slot more. Slots that nobody has needed for a while are given up again, down to the least.
 */
export class Pool {
  readonly #options: PoolOptions
  readonly #now: () => number
  #slots: number
  #going = 0
  #mode: RunnerMode = 'active'
  #trouble: string | null = null
  #grownAt = -Infinity
  #neededAt: number
  #asked = 0

  constructor(options: PoolOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#slots = options.least
    this.#neededAt = this.#now()
  }

  get slots(): number {
    return this.#slots
  }

  /** How many runs there is room for at this moment, besides those that go on. */
  room(): number {
    this.#asked = this.#roomNow()
    return this.#asked
  }

  #roomNow(): number {
    if (this.#mode !== 'active' || this.#trouble !== null) return 0
    if (this.#going < this.#slots) return this.#slots - this.#going
    const mayGrow = this.#slots < this.#options.most && this.#now() - this.#grownAt >= GROW_MS
    return mayGrow && this.#options.machine().enough ? 1 : 0
  }

  /** A run has come. */
  took(): void {
    this.#going++
    this.#asked = Math.max(0, this.#asked - 1) // used up: what there is room for now is asked for anew
    if (this.#going >= this.#slots) this.#neededAt = this.#now()
    if (this.#going <= this.#slots || this.#slots >= this.#options.most) return
    this.#slots = Math.min(this.#going, this.#options.most)
    this.#grownAt = this.#now()
    const { words } = this.#options.machine()
    this.#tellSize(`every slot was busy and a run waited; ${words}`)
  }

  /** A run has ended. */
  left(): void {
    if (this.#going >= this.#slots) this.#neededAt = this.#now()
    this.#going--
    this.#options.changed()
  }

  /** What people want of the runner. What goes on is not touched by it. */
  steer(mode: RunnerMode): void {
    if (mode === this.#mode) return
    this.#mode = mode
    this.#options.changed()
  }

  /** Why the runner can take no work; null: it is well. */
  ail(trouble: string | null): void {
    if (trouble === this.#trouble) return
    this.#trouble = trouble
    this.#options.changed()
  }

  /** Give up what was not needed for long, and ask for more where there is room again. */
  look(): void {
    const { least, idleMs } = this.#options
    if (this.#going >= this.#slots) this.#neededAt = this.#now()
    else if (this.#slots > least && this.#now() - this.#neededAt >= idleMs) {
      this.#slots = Math.max(least, this.#going)
      this.#neededAt = this.#now()
      this.#tellSize(`for ${inWords(idleMs)} no more were needed`)
    }
    if (this.#roomNow() !== this.#asked) this.#options.changed()
  }

  watch(): Disposable {
    const timer = setInterval(() => this.look(), LOOK_MS)
    return { [Symbol.dispose]: () => clearInterval(timer) }
  }

  #tellSize(why: string): void {
    const slots = this.#slots
    this.#options.tell({ kind: 'scaled', slots, words: `${slots} ${slots === 1 ? 'slot' : 'slots'}: ${why}` })
  }
}

const inWords = (ms: number) => (ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`)
