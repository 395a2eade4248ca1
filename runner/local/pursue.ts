import { NEWBORN_TICKS } from '../ending.ts'
import type { Pursuit, Stopped } from '../fed-shell.ts'
import { below, catches, kill, lastBorn, type Stat, uptimeTicks } from './processes.ts'

/** Processes may fork while they are signalled: they are looked for again until none is left, so often at most. */
const MOST_ROUNDS = 20
/** What the kernel says of a process that is still the program it was forked from. */
const FORKED_NO_EXEC = 0x40

type Place = {
  /** In the environment of everything that the shell starts. */
  readonly mark: string
  readonly failed: (error: unknown) => void
  readonly newbornTicks?: number
}

/** Stop what runs below a shell of this machine. */
export function pursue(step: Stopped, place: Place): Pursuit {
  const terms = new Terms(step, place)
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
  readonly #place: Place
  readonly #sent = new Set<string>()
  /** Who is to get it when it is older. */
  readonly #late = new Set<string>()
  /** Whom the last round sent it to, and which numbers the kernel gave away while that round looked for them. */
  #just = new Set<number>()
  #between: readonly [number, number] | null = null
  #ended = false

  constructor(step: Stopped, place: Place) {
    this.#step = step
    this.#place = place
  }

  end(): void {
    this.#ended = true
  }

  async sweep(): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS; round++) if (!(await this.#round())) return
  }

  /** @returns Whether there was somebody to send it to. */
  async #round(): Promise<boolean> {
    const begun = lastBorn()
    const now = await uptimeTicks()
    const all = await below(this.#step.shell, this.#place.mark)
    const fresh = await this.#wanted(all, now)
    if (this.#ended) return false
    const last = lastBorn()
    for (const stat of fresh) {
      kill(stat.pid, 'SIGTERM')
      this.#sent.add(keyOf(stat))
    }
    if (fresh.length > 0) this.#just = new Set(fresh.map(({ pid }) => pid))
    if (fresh.length > 0) this.#between = [begun, last]
    return fresh.length > 0
  }

  /** Who has begun somebody itself has put off the handlers of its parent. */
  async #wanted(all: readonly Stat[], now: number): Promise<Stat[]> {
    const wanted: Stat[] = []
    const parents = new Set(all.map(({ parent }) => parent))
    for (const stat of this.#unreached(all))
      if (!parents.has(stat.pid) && this.#isNewborn(stat, now) && (await catches(stat.pid)))
        this.#late.add(keyOf(stat))
      else wanted.push(stat)
    return wanted
  }

  #unreached(all: readonly Stat[]): Stat[] {
    if (this.#sent.size === 0) return [...all]
    const { shell, tidies } = this.#step
    const own = new Set(all.flatMap(({ pid, parent }) => (parent === shell ? [pid] : [])))
    const unsent = all.filter((stat) => !this.#sent.has(keyOf(stat)))
    const wanted = new Map<number, Stat>()
    for (const stat of unsent)
      if (this.#late.has(keyOf(stat)) || this.#isMissed(stat) || (!tidies && own.has(stat.parent)))
        wanted.set(stat.pid, stat)
    // What a process began that had not been sent anything.
    for (let size = -1; size < wanted.size;) {
      size = wanted.size
      for (const stat of unsent) if (wanted.has(stat.parent)) wanted.set(stat.pid, stat)
    }
    return [...wanted.values()]
  }

  /** It was born before its parent was sent anything: the kernel hands out the numbers in turn. */
  #isMissed({ pid, parent }: Stat): boolean {
    if (!this.#between || !(parent === 1 || this.#just.has(parent))) return false
    const [from, to] = this.#between
    return from <= to ? from < pid && pid <= to : pid > from || pid <= to
  }

  /** It is still the program it was forked from, and so young that it may have the handlers of that. */
  #isNewborn({ parent, flags, startedAt }: Stat, now: number): boolean {
    const { newbornTicks = NEWBORN_TICKS } = this.#place
    return parent !== this.#step.shell && (flags & FORKED_NO_EXEC) !== 0 && startedAt + newbornTicks >= now
  }
}

/** A number alone may be another's by now. */
const keyOf = ({ pid, startedAt }: Stat): string => `${pid}@${startedAt}`
