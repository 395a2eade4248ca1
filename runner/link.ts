import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RawData, WebSocket } from 'ws'
import type { RunId } from '#pipelines/ids.ts'
import { redialMs } from '#pipelines/wire/redial.ts'
import { DIALECT, MOST_FRAME_BYTES, ServerSays } from '#pipelines/wire/runner.ts'
import { decodeTerminal } from '#pipelines/wire/terminal-frames.ts'
import { isTerminalOrder } from '#pipelines/wire/terminal.ts'
import type { TerminalOrder, TerminalWord } from '#pipelines/wire/terminal.ts'
import type { RunnerSays } from '#pipelines/wire/runner.ts'
import { dial, Unauthorized } from './dial.ts'
import type { Log } from './log.ts'
import type { Checks } from './resources/check.ts'
import { Stop } from './stop.ts'
import { untaken } from './untaken.ts'
import { Work } from './work.ts'
import type { Frame } from './work.ts'

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

export type LinkOptions = {
  readonly address: string
  readonly token: string
  /** What this runner says of itself on every connection. */
  readonly self: Omit<Hello, 'say' | 'dialect' | 'carrying'>
  readonly log: Log
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
  /** How long to wait after a refusal, which time alone rarely heals. */
  readonly refusedMs?: number
}

/** Refusals in a row after which dialling is given up: a wrong token does not become right. */
const MOST_REFUSALS = 3
const REFUSED_MS = 5_000
/** A server that cannot be reached for so long will not hear the last reports. */
const LAST_WORDS_MS = 10_000
const GOODBYE_MS = 1_000

/** What people want of a runner as long as the server says nothing else; people may have spoken while it was away. */
const UNLESS_TOLD = { mode: 'active', resets: 0 } as const

/** The server wants nothing to do with this runner; the message is a sentence for its operator. */
export class Refused extends Error {}

/** The runner's end of the one WebSocket: dials, dials again, and keeps every report until the server has heard it. */
export class Link {
  readonly #options: LinkOptions
  readonly #works = new Map<RunId, Work>()
  #socket: WebSocket | null = null
  /** Only after `welcome` are reports said at once; until then they wait for the replay. */
  #welcomed = false
  #everWelcomed = false
  #offlineSince = performance.now()
  #failures = 0
  #refusals = 0

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** Runs that go on, or whose report is not wholly heard. */
  get carrying(): readonly Work[] {
    return [...this.#works.values()]
  }

  /** Say how many more runs there is room for; also said by itself on every new connection. */
  ready(): void {
    if (this.#welcomed) this.#say({ say: 'ready', slots: this.#options.room() })
  }

  /** Say how the runner stands; also said by itself on every new connection. */
  stands(): void {
    const standing = this.#options.standing?.now()
    if (this.#welcomed && standing) this.#say(standing)
  }

  /**
   * Keep a connection until `signal` aborts.
   *
   * @throws {Refused} When the server refused this runner for good.
   */
  async live(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = await this.#connection(signal).catch((error: unknown) => this.#failed(error, signal))
      await sleep(waitMs, undefined, { signal }).catch(() => {}) // aborted: the loop's condition says so
    }
  }

  /** Wait until everything was heard, or until there has been no connection for too long for that to be likely. */
  async flush(signal: AbortSignal): Promise<void> {
    while (this.carrying.some((work) => work.unheard.length > 0) && !signal.aborted) {
      if (!this.#welcomed && performance.now() - this.#offlineSince > LAST_WORDS_MS) return
      await sleep(50)
    }
  }

  /** @returns How long to wait before the next connection. */
  async #connection(signal: AbortSignal): Promise<number> {
    const { address, token, self, log } = this.#options
    const closed = new AbortController()
    const refusals: string[] = []
    const listen = (bytes: RawData, binary: boolean) => {
      const keys = binary ? decodeTerminal(asBytes(bytes)) : null
      if (keys) return this.#options.terminals?.typed(keys.terminal, keys.content)
      const says = binary ? null : parse(String(bytes))
      if (says?.say === 'refused') refusals.push(says.reason)
      else if (says) this.#hear(says, closed.signal)
      else log.warn('message.unreadable')
    }
    this.#socket = await dial(address, { token, signal, listen })
    const ended = closing(this.#socket, signal)
    this.#say({ say: 'hello', dialect: DIALECT, ...self, carrying: this.#leases() })
    await ended
    closed.abort()
    this.#hungUp()
    const [refused] = refusals
    if (refused !== undefined) return this.#refused(refused, this.#everWelcomed ? MOST_REFUSALS : 1)
    return redialMs(this.#failures++, chance())
  }

  #hungUp(): void {
    this.#options.terminals?.hungUp()
    if (this.#welcomed) this.#offlineSince = performance.now()
    this.#socket = null
    this.#welcomed = false
    this.#options.log.info('link.closed')
  }

  #failed(error: unknown, signal: AbortSignal): number {
    if (signal.aborted) return 0
    if (error instanceof Refused) throw error
    if (error instanceof Unauthorized) return this.#refused(error.message, MOST_REFUSALS)
    if (this.#failures % 10 === 0) this.#options.log.warn({ reason: String(error) }, 'server.unreachable')
    return redialMs(this.#failures++, chance())
  }

  #refused(reason: string, most: number): number {
    this.#refusals++
    this.#options.log.error({ reason }, 'link.refused')
    if (this.#refusals >= most) throw new Refused(reason)
    return this.#options.refusedMs ?? REFUSED_MS
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
    if (!this.#everWelcomed) log.info({ name: self.name, slots: self.slots, ...self.engine }, 'runner.ready')
    this.#welcomed = this.#everWelcomed = true
    this.#failures = this.#refusals = 0
    for (const work of this.#works.values()) work.sayAgain()
    const timer = setInterval(() => this.#say({ say: 'alive', carrying: this.#leases() }), leaseMs / 3)
    closed.addEventListener('abort', () => clearInterval(timer), { once: true })
    this.#options.terminals?.connected({
      say: (word) => this.#say(word),
      send: (frame) => this.#socket?.send(frame),
    })
    this.#options.steer?.(UNLESS_TOLD)
    this.stands()
    this.ready()
  }

  #take(order: Heard<'work'>): void {
    const { plan, lease } = order
    const known = this.#works.get(plan.run)
    if (known?.lease === lease) return // said twice
    known?.forget() // an earlier attempt of the same run, which the server has given up
    try {
      this.#begin(new Work(plan, lease, (frame, left) => this.#send(frame, left)))
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
      untaken(plan, lease, (frame, left) => this.#send(frame, left)),
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
  async #check({ check, lease, image, source, version, timeoutMs }: Heard<'check'>): Promise<void> {
    const { checks } = this.#options
    const error = { code: 'checks_unsupported', message: 'This runner carries out no checks.' }
    const outcome = checks ? await checks.check({ image, source, version, timeoutMs }) : { error }
    if (this.#welcomed) this.#say({ say: 'checked', check, lease, outcome })
  }

  #leases(): Hello['carrying'] {
    return this.carrying.map(({ plan, lease }) => ({ run: plan.run, lease }))
  }

  #send(frame: Frame, left: () => void): void {
    if (this.#welcomed && this.#socket) this.#socket.send(frame, left)
    else left()
  }

  #say(message: RunnerSays): void {
    const text = JSON.stringify(message)
    if (Buffer.byteLength(text) <= MOST_FRAME_BYTES) this.#socket?.send(text)
    else this.#options.log.error({ say: message.say, characters: text.length }, 'message.too-long')
  }
}

/** Resolves when the connection is closed; an abort closes it, without waiting long for the other side's consent. */
async function closing(socket: WebSocket, signal: AbortSignal): Promise<void> {
  const timers: NodeJS.Timeout[] = []
  const hangUp = () => {
    socket.close(1000)
    timers.push(setTimeout(() => socket.terminate(), GOODBYE_MS))
  }
  if (signal.aborted) hangUp()
  signal.addEventListener('abort', hangUp, { once: true })
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
  signal.removeEventListener('abort', hangUp)
  timers.forEach((timer) => clearTimeout(timer))
}

function parse(text: string): ServerSays | null {
  try {
    return ServerSays.parse(JSON.parse(text))
  } catch {
    return null // the caller says so in the log
  }
}

const asBytes = (frame: RawData): Uint8Array =>
  Array.isArray(frame) ? Buffer.concat(frame) : new Uint8Array(frame)

const chance = () => randomInt(1_000) / 1_000
