import type { Pursuit, Stopped } from '../fed-shell.ts'
import { below, catches, kill, lastBorn, type Stat, uptimeTicks } from './processes.ts'

/** Processes may fork while they are signalled: they are looked for again until none is left, so often at most. */
const MOST_ROUNDS = 20
/** A process this young was perhaps just being forked; the kernel counts a hundred to the second. */
const YOUNG_TICKS = 100
/** What the kernel says of a process that is still the program it was forked from. */
const FORKED_NO_EXEC = 0x40

type Place = {
  /** In the environment of everything that the shell starts. */
  readonly mark: string
  readonly failed: (error: unknown) => void
}

/** Stop what runs below a shell of this machine. */
export function pursue(step: Stopped, place: Place): Pursuit {
  const terms = new Terms(step, place.mark)
  let busy = Promise.resolve()
  return {
    send: (name) => {
      if (name === 'SIGKILL') killAll(step.shell, place.mark).catch(place.failed)
      else busy = busy.then(() => terms.sweep()).catch(place.failed)
    },
    [Symbol.dispose]: () => terms.end(),
  }
}

async function killAll(shell: number, mark: string): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const found = await below(shell, mark)
    if (found.filter(({ pid }) => kill(pid, 'SIGKILL')).length === 0) return
  }
}

/**
 * One stop's SIGTERM: whoever runs when it is sent gets it once. What is begun later is the tidying of somebody who got it and is
 * let be, with the exceptions that `TERM_BELOW` tells of, for all of which the step would wait until it is killed.
 */
class Terms {
  readonly #step: Stopped
  readonly #mark: string
  readonly #sent = new Set<string>()
  /** Who was perhaps just being forked when it was sent, in a handler of its parent's. */
  readonly #young = new Set<string>()
  /** Whom the last round sent it to, and which numbers the kernel gave away while that round looked for them. */
  #just = new Set<number>()
  #between: readonly [number, number] | null = null
  #ended = false

  constructor(step: Stopped, mark: string) {
    this.#step = step
    this.#mark = mark
  }

  end(): void {
    this.#ended = true
  }

  async sweep(): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS; round++) if (!(await this.#round())) return
  }

  /** @returns Whether there was somebody to send it to. */
  async #round(): Promise<boolean> {
    const [begun, now] = await Promise.all([lastBorn(), uptimeTicks()])
    const all = await below(this.#step.shell, this.#mark)
    const fresh = await this.#wanted(all)
    const last = await lastBorn()
    if (this.#ended) return false
    for (const stat of fresh) {
      kill(stat.pid, 'SIGTERM')
      const first = !this.#sent.has(keyOf(stat))
      if (first && this.#isYoung(stat, now)) this.#young.add(keyOf(stat))
      else this.#young.delete(keyOf(stat))
      this.#sent.add(keyOf(stat))
    }
    if (fresh.length > 0) this.#just = new Set(fresh.map(({ pid }) => pid))
    if (fresh.length > 0) this.#between = [begun, last]
    return fresh.length > 0
  }

  async #wanted(all: readonly Stat[]): Promise<Stat[]> {
    if (this.#sent.size === 0) return [...all]
    const { shell, tidies } = this.#step
    const own = new Set(all.flatMap(({ pid, parent }) => (parent === shell ? [pid] : [])))
    const wanted = new Map<number, Stat>()
    for (const stat of all)
      if (
        this.#sent.has(keyOf(stat))
          ? await this.#isLost(stat)
          : this.#isMissed(stat) || (!tidies && own.has(stat.parent))
      )
        wanted.set(stat.pid, stat)
    // What a process began that had not been sent anything.
    for (let size = -1; size < wanted.size;) {
      size = wanted.size
      for (const stat of all)
        if (wanted.has(stat.parent) && !this.#sent.has(keyOf(stat))) wanted.set(stat.pid, stat)
    }
    return [...wanted.values()]
  }

  /** It lives on, although it does not catch what it got. */
  async #isLost(stat: Stat): Promise<boolean> {
    return this.#young.has(keyOf(stat)) && !(await catches(stat.pid))
  }

  /** It was born before its parent was sent anything: the kernel hands out the numbers in turn. */
  #isMissed({ pid, parent }: Stat): boolean {
    if (!this.#between || !(parent === 1 || this.#just.has(parent))) return false
    const [from, to] = this.#between
    return from <= to ? from < pid && pid <= to : pid > from || pid <= to
  }

  #isYoung({ parent, flags, startedAt }: Stat, now: number): boolean {
    return parent !== this.#step.shell && (flags & FORKED_NO_EXEC) !== 0 && startedAt + YOUNG_TICKS >= now
  }
}

/** A number alone may be another's by now. */
const keyOf = ({ pid, startedAt }: Stat): string => `${pid}@${startedAt}`
