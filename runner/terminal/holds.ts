import type { RunId } from '#pipelines/ids.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import { MOST_HOLD_MS } from '#pipelines/wire/terminal.ts'
import type { Log } from '../log.ts'
import type { RunnerTerminals } from './terminals.ts'

/** So many on one runner; the one that would end next makes room. */
const MOST_HELD = 8

type Held = {
  readonly run: RunId
  readonly rooms: AsyncDisposable
  readonly holdMs: number
  /** However long somebody looks around. */
  readonly lastMoment: number
  until: number
  timer: NodeJS.Timeout
}

/**
 * Keeps the containers of failed runs, for the time that somebody asked for, so that people can look around in them.
 *
 * The time counts anew whenever a terminal is closed; while one is open it does not end. Nothing of this is written down: what
 * a runner leaves behind that was killed is swept when it comes back, like every other leftover.
 */
export class Holds implements AsyncDisposable {
  readonly #terminals: RunnerTerminals
  readonly #log: Log
  readonly #held = new Map<RunId, Held>()
  readonly #ending = new Set<Promise<void>>()

  constructor(terminals: RunnerTerminals, log: Log) {
    this.#terminals = terminals
    this.#log = log
    terminals.holder({ release: (run) => this.#end(run), greet: () => this.#say() })
    terminals.onLook((run) => this.#looked(run))
  }

  /** Keep what a run leaves, until its time is over. `rooms` is disposed of then. */
  keep({ run, holdMs }: Pick<Plan, 'run' | 'holdMs'>, rooms: AsyncDisposable): void {
    this.#end(run)
    const forMs = Math.min(holdMs, MOST_HOLD_MS)
    const now = Date.now()
    const timer = setTimeout(() => this.#end(run), forMs)
    this.#held.set(run, {
      ...{ run, rooms, timer, holdMs: forMs, until: now + forMs, lastMoment: now + MOST_HOLD_MS },
    })
    this.#log.info({ run, forMs }, 'run.held')
    const soonest = [...this.#held.values()].toSorted((a, b) => a.until - b.until)[0]
    if (this.#held.size > MOST_HELD && soonest) this.#end(soonest.run)
    this.#say()
  }

  #looked(run: RunId): void {
    const held = this.#held.get(run)
    if (!held) return
    clearTimeout(held.timer)
    held.until = Math.min(Date.now() + held.holdMs, held.lastMoment)
    const leftMs = this.#terminals.isLookedInto(run) ? held.lastMoment - Date.now() : held.until - Date.now()
    held.timer = setTimeout(() => this.#end(run), leftMs)
    this.#say()
  }

  #end(run: RunId): void {
    const held = this.#held.get(run)
    if (!held) return
    this.#held.delete(run)
    clearTimeout(held.timer)
    const ending = Promise.resolve(held.rooms[Symbol.asyncDispose]()).finally(() => {
      this.#ending.delete(ending)
      this.#log.info({ run }, 'run.let-go')
      this.#say()
    })
    this.#ending.add(ending)
  }

  #say(): void {
    const runs = [...this.#held.values()].map(({ run, until }) => ({
      run,
      leftMs: Math.min(MOST_HOLD_MS, Math.max(0, Math.round(until - Date.now()))),
    }))
    this.#terminals.say({ say: 'holding', runs })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const run of [...this.#held.keys()]) this.#end(run)
    await Promise.all(this.#ending)
  }
}
