import type { OpenOptions, StepEnd } from '../engine.ts'
import { Pen } from '../pen.ts'
import type { Work } from '../work.ts'

type Told = Required<Pick<OpenOptions, 'serviceStarted' | 'heard' | 'serviceEnded'>>

/** What the services of a run tell while it goes on, each in a step of its own. */
export class ServiceLogs {
  readonly #work: Work
  readonly #hurry: AbortSignal
  readonly #open = new Map<number, Pen>()
  readonly #over = new Set<number>()

  constructor(work: Work, hurry: AbortSignal) {
    this.#work = work
    this.#hurry = hurry
  }

  /** For the engine that starts them. */
  get told(): Told {
    return {
      serviceStarted: (step) => void this.#start(step),
      heard: async (step, bytes) => {
        if (this.#over.has(step)) return
        this.#start(step).write(bytes)
        await this.#work.room(this.#hurry)
      },
      serviceEnded: (step, end) => this.#end(step, end),
    }
  }

  /** The run is over: those that live end with it, those that were never started are left out. */
  close(): void {
    for (const step of this.#open.keys()) this.#end(step, { state: 'succeeded', exitCode: null })
    const never = this.#work.plan.services.filter(({ step }) => !this.#over.has(step))
    for (const { step } of never)
      this.#work.report({ kind: 'step.skipped', step, reason: 'the run ended before it was started' })
  }

  #start(step: number): Pen {
    const known = this.#open.get(step)
    if (known) return known
    this.#work.report({ kind: 'step.started', step })
    const pen = new Pen((bytes) => this.#work.log(step, bytes))
    this.#open.set(step, pen)
    return pen
  }

  #end(step: number, end: StepEnd): void {
    if (this.#over.has(step)) return
    this.#start(step)[Symbol.dispose]()
    this.#open.delete(step)
    this.#over.add(step)
    this.#work.report({ kind: 'step.ended', step, ...end, allowed: false })
  }
}
