import { setTimeout as sleep } from 'node:timers/promises'
import type { RunId } from '#pipelines/ids.ts'
import { DIALECT } from '#pipelines/wire/runner.ts'
import { decodeTerminal } from '#pipelines/wire/terminal-frames.ts'
import { isTerminalOrder } from '#pipelines/wire/terminal.ts'
import type { TerminalOrder, TerminalWord } from '#pipelines/wire/terminal.ts'
import type { RunnerSays, ServerSays } from '#pipelines/wire/runner.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import type { Checks } from './resources/check.ts'
import { Stop } from './stop.ts'
import { untaken } from './untaken.ts'
import { Work } from './work.ts'

type Hello = Extract<RunnerSays, { say: 'hello' }>
type Heard<Word extends ServerSays['say']> = Extract<ServerSays, { say: Word }>

/** Whoever looks after terminals; what it says goes out at once, or nowhere. */
export type Terminals = {
  /** There is a connection to speak over. */
  connected(line: TerminalLine): void
  /** @throws Never. */
  obey(order: TerminalOrder): void
  typed(terminal: number, keys: Uint8Array): void
  /** The connection is gone, and everybody who looked on with it. */
  hungUp(): void
}
export type TerminalLine = {
  readonly say: (word: TerminalWord) => void
  readonly send: (frame: Uint8Array) => void
}

export type LinkOptions = ConnectionOptions & {
  /** What this runner says of itself on every connection. */
  readonly self: Omit<Hello, 'say' | 'dialect' | 'carrying'>
  /** How many more runs there is room for, at this moment. */
  readonly room: () => number
  readonly take: (work: Work) => void
  /** Without them this runner checks nothing, and says so in `self`. */
  readonly checks?: Pick<Checks, 'check'> | null
  /** Without them no terminal is opened here. */
  readonly terminals?: Terminals
  /** What the server should know of the runner itself. */
  readonly standing?: { readonly now: () => RunnerSays; readonly noted: (seq: number) => void }
  /** People want something of the runner. */
  readonly steer?: (wishes: Omit<Heard<'steer'>, 'say'>) => void
}

/** A server that cannot be reached for so long will not hear the last reports. */
const LAST_WORDS_MS = 10_000

/** What people want of a runner as long as the server says nothing else; people may have spoken while it was away. */
const UNLESS_TOLD = { mode: 'active', resets: 0 } as const

/** What runner and server say to each other: the runs that are carried out here, whose every report is kept until it was heard. */
export class Link {
  readonly #options: LinkOptions
  readonly #works = new Map<RunId, Work>()
  readonly #connection: Connection
  /** So many runs came over this connection. */
  #taken = 0

  constructor(options: LinkOptions) {
    this.#options = options
    this.#connection = new Connection(options, {
      opened: () => this.#connection.say(this.#hello()),
      hear: (says, closed) => this.#hear(says, closed),
      hearBytes: (bytes) => this.#hearKeys(bytes),
      closed: () => options.terminals?.hungUp(),
    })
  }

  /** Runs that go on, or whose report is not wholly heard. */
  get carrying(): readonly Work[] {
    return [...this.#works.values()]
  }

  /** Say how many more runs there is room for; also said by itself on every new connection. */
  ready(): void {
    const taken = this.#taken
    if (this.#connection.welcomed) this.#connection.say({ say: 'ready', slots: this.#options.room(), taken })
  }

  /** Say how the runner stands; also said by itself on every new connection. */
  stands(): void {
    const standing = this.#options.standing?.now()
    if (this.#connection.welcomed && standing) this.#connection.say(standing)
  }

  /**
   * Keep a connection until `signal` aborts.
   *
   * @throws {Refused} (`connection.ts`) When the server refused this runner for good.
   */
  live(signal: AbortSignal): Promise<void> {
    return this.#connection.live(signal)
  }

  /** Wait until everything was heard, or until there has been no connection for too long for that to be likely. */
  async flush(signal: AbortSignal): Promise<void> {
    while (this.carrying.some((work) => work.unheard.length > 0) && !signal.aborted) {
      if (this.#connection.offlineMs > LAST_WORDS_MS) return
      await sleep(50)
    }
  }

  #hear(says: Exclude<ServerSays, Heard<'refused'>>, closed: AbortSignal): void {
    if (isTerminalOrder(says)) return this.#options.terminals?.obey(says)
    switch (says.say) {
      case 'welcome':
        return this.#welcome(says, closed)
      case 'work':
        return this.#take(says)
      case 'heard':
        return this.#heard(says)
      case 'stop':
        return this.#works.get(says.run)?.stop(new Stop('cancelled', says.reason))
      case 'forget':
        return this.#forget(says.run)
      case 'steer':
        return this.#options.steer?.(says)
      case 'noted':
        return this.#options.standing?.noted(says.seq)
      case 'check':
        return void this.#check(says)
    }
  }

  #welcome({ leaseMs }: Heard<'welcome'>, closed: AbortSignal): void {
    const { log, self } = this.#options
    log.info({ carrying: this.#works.size }, 'link.opened')
    const first = this.#connection.welcome()
    this.#taken = 0
    if (first) log.info({ name: self.name, slots: self.slots, ...self.engine }, 'runner.ready')
    for (const work of this.#works.values()) work.sayAgain()
    const alive = () => this.#connection.say({ say: 'alive', carrying: this.#leases() })
    const timer = setInterval(alive, leaseMs / 3)
    closed.addEventListener('abort', () => clearInterval(timer), { once: true })
    this.#options.terminals?.connected({
      say: (word) => this.#connection.say(word),
      send: (frame) => this.#connection.send(frame),
    })
    this.#options.steer?.(UNLESS_TOLD)
    this.stands()
    this.ready()
  }

  #take(order: Heard<'work'>): void {
    const { plan, lease } = order
    this.#taken++
    const known = this.#works.get(plan.run)
    if (known?.lease === lease) return // said twice
    known?.forget() // an earlier attempt of the same run, which the server has given up
    try {
      this.#begin(new Work(plan, lease, (frame, left) => this.#connection.send(frame, left)))
    } catch (error) {
      this.#refuse(order, error)
    }
  }

  #begin(work: Work): void {
    this.#works.set(work.plan.run, work)
    this.#options.take(work)
  }

  /** One run that cannot even be taken ends alone; the others go on. */
  #refuse({ plan, lease }: Heard<'work'>, error: unknown): void {
    this.#options.log.error({ run: plan.run, err: error }, 'run.untaken')
    this.#forget(plan.run)
    this.#works.set(
      plan.run,
      untaken(plan, lease, (frame, left) => this.#connection.send(frame, left)),
    )
    this.ready()
  }

  #heard({ run, seq }: Heard<'heard'>): void {
    const work = this.#works.get(run)
    work?.heard(seq)
    if (work?.over) this.#works.delete(run)
  }

  #forget(run: RunId): void {
    this.#works.get(run)?.forget()
    this.#works.delete(run)
  }

  /** Nobody waits for the outcome here: where the connection is lost meanwhile, the server asks again. */
  async #check({ say: _, check, lease, ...asked }: Heard<'check'>): Promise<void> {
    const { checks } = this.#options
    const error = { code: 'checks_unsupported', message: 'This runner carries out no checks.' }
    const outcome = checks ? await checks.check(asked) : { error }
    if (this.#connection.welcomed) this.#connection.say({ say: 'checked', check, lease, outcome })
  }

  #hearKeys(bytes: Uint8Array): void {
    const keys = decodeTerminal(bytes)
    if (keys) this.#options.terminals?.typed(keys.terminal, keys.content)
    else this.#options.log.warn('message.unreadable')
  }

  #hello(): Hello {
    return { say: 'hello', dialect: DIALECT, ...this.#options.self, carrying: this.#leases() }
  }

  #leases(): Hello['carrying'] {
    return this.carrying.map(({ plan, lease }) => ({ run: plan.run, lease }))
  }
}
