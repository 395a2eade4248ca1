import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RawData, WebSocket } from 'ws'
import { redialMs } from '#pipelines/wire/redial.ts'
import { MOST_FRAME_BYTES, ServerSays } from '#pipelines/wire/runner.ts'
import type { RunnerSays } from '#pipelines/wire/runner.ts'
import { dial, Unauthorized } from './dial.ts'
import type { Log } from './log.ts'
import type { Frame } from './work.ts'

export type ConnectionOptions = {
  readonly address: string
  readonly token: string
  readonly log: Log
  /** How long to wait after a refusal, which time alone rarely heals. */
  readonly refusedMs?: number
}

/** Whoever speaks over a connection; none of it throws. */
export type Speaker = {
  /** There is a new one, over which nothing was said yet. */
  opened(): void
  /** @param closed  Aborts when the connection that brought it is gone. */
  hear(says: Exclude<ServerSays, { say: 'refused' }>, closed: AbortSignal): void
  hearBytes(bytes: Uint8Array): void
  closed(): void
}

/** Refusals in a row after which dialling is given up: a wrong token does not become right. */
const MOST_REFUSALS = 3
const REFUSED_MS = 5_000
const GOODBYE_MS = 1_000

/** The server wants nothing to do with this runner; the message is a sentence for its operator. */
export class Refused extends Error {}

/** The one WebSocket to the server, for whoever speaks over it: dials, dials again, gives up only where it is refused for good. */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #speaker: Speaker
  #socket: WebSocket | null = null
  #welcomed = false
  #everWelcomed = false
  #offlineSince = performance.now()
  #failures = 0
  #refusals = 0

  constructor(options: ConnectionOptions, speaker: Speaker) {
    this.#options = options
    this.#speaker = speaker
  }

  /** Whether the server has let this runner in: before that it hears only who it is. */
  get welcomed(): boolean {
    return this.#welcomed
  }

  /** How long nobody has heard this runner. */
  get offlineMs(): number {
    return this.#welcomed ? 0 : performance.now() - this.#offlineSince
  }

  /** The server lets this runner in. @returns Whether it is the first time. */
  welcome(): boolean {
    const first = !this.#everWelcomed
    this.#welcomed = this.#everWelcomed = true
    this.#failures = this.#refusals = 0
    return first
  }

  /** Say something that is of use now or never. */
  say(message: RunnerSays): void {
    const text = JSON.stringify(message)
    if (Buffer.byteLength(text) <= MOST_FRAME_BYTES) this.#socket?.send(text)
    else this.#options.log.error({ say: message.say, characters: text.length }, 'message.too-long')
  }

  /** Send a frame where the server hears it; `left` is called when it is needed no more. */
  send(frame: Frame, left: () => void = () => {}): void {
    if (this.#welcomed && this.#socket) this.#socket.send(frame, left)
    else left()
  }

  /**
   * Keep a connection until `signal` aborts.
   *
   * @throws {Refused} When the server refused this runner for good.
   */
  async live(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = await this.#once(signal).catch((error: unknown) => this.#failed(error, signal))
      await sleep(waitMs, undefined, { signal }).catch(() => {}) // aborted: the loop's condition says so
    }
  }

  /** @returns How long to wait before the next connection. */
  async #once(signal: AbortSignal): Promise<number> {
    const { address, token, log } = this.#options
    const closed = new AbortController()
    const refusals: string[] = []
    const listen = (bytes: RawData, binary: boolean) => {
      if (binary) return this.#speaker.hearBytes(asBytes(bytes))
      const says = parse(String(bytes))
      if (says?.say === 'refused') refusals.push(says.reason)
      else if (says) this.#speaker.hear(says, closed.signal)
      else log.warn('message.unreadable')
    }
    this.#socket = await dial(address, { token, signal, listen })
    const ended = closing(this.#socket, signal)
    this.#speaker.opened()
    await ended
    closed.abort()
    this.#hungUp()
    const [refused] = refusals
    if (refused !== undefined) return this.#refused(refused, this.#everWelcomed ? MOST_REFUSALS : 1)
    return redialMs(this.#failures++, chance())
  }

  #hungUp(): void {
    this.#speaker.closed()
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
