import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { RunId } from '#pipelines/ids.ts'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import { DashboardSays, type LiveSays, type LogPosition, type Topic } from '#pipelines/wire/live.ts'
import type { Db } from '../db/connect.ts'
import { Buckets } from '../http/buckets.ts'
import { log } from '../log.ts'
import type { LogHub } from '../logs/hub.ts'
import type { Problem } from '../problem.ts'
import type { Feed, Written } from './feed.ts'
import { refusalOf, seesEvent, type Sight } from './sight.ts'
import { tail } from './tail.ts'

export type LiveDeps = { readonly db: Db; readonly hub: LogHub; readonly feed: Feed }
type Deps = LiveDeps & {
  /** What the connection may see now; asked again whenever somebody's rights have changed. */
  readonly look: () => Promise<Sight>
  readonly sight: Sight
  /** What lies under the socket: frames that are written while it is corked leave together. */
  readonly wire: Pick<Duplex, 'cork' | 'uncork'>
}

const MOST_WATCHES = 100
/** A page that opens says a dozen; who says more than this in a minute is no page. */
const MOST_SAID = 600
/** Who missed more than this is better served by a new snapshot. */
const MOST_MISSED = 5_000
/** Unsent bytes after which a reader counts as too slow to follow events. */
const MOST_BUFFERED = 4 * 1024 * 1024

type EventWatch = { readonly topic: Topic; cursor: number; catchingUp: boolean }
type Tail = { readonly run: RunId; readonly quit: AbortController }

/** One dashboard's socket: what it watches, and from where. */
export class LiveConnection {
  readonly #socket: WebSocket
  readonly #deps: Deps
  #sight: Sight
  #looking: Promise<void> | null = null
  readonly #events = new Map<number, EventWatch>()
  readonly #tails = new Map<number, Tail>()
  readonly #said = new Buckets(MOST_SAID)
  readonly #off: () => void

  constructor(socket: WebSocket, deps: Deps) {
    this.#socket = socket
    this.#deps = deps
    this.#sight = deps.sight
    this.#off = deps.feed.on((events, since) => this.#tell(events, since))
    socket.on('message', (frame: Buffer) => this.#receive(frame))
    socket.on('error', (error) => log.warn({ err: error }, 'live.socket-failed'))
    socket.on('close', () => this.#end())
  }

  #receive(frame: Buffer): void {
    if (this.#said.take('').isEmpty) return this.#socket.close(1008, `at most ${MOST_SAID} messages a minute`)
    const said = parse(frame)
    if (!said) {
      void this.#say({
        say: 'refused',
        watch: null,
        code: 'invalid-request',
        reason: 'the message was not understood; reload the page',
      })
      return
    }
    this.#unwatch(said.watch)
    if (said.say === 'unwatch') return
    if (this.#events.size + this.#tails.size >= MOST_WATCHES) {
      const reason = `at most ${MOST_WATCHES} things can be watched over one connection`
      void this.#say({ say: 'refused', watch: said.watch, code: 'too-many-watches', reason })
    } else if (said.say === 'watch') this.#watch(said.watch, said.topic, said.after)
    else this.#tail(said.watch, { run: said.run as RunId, from: said.from })
  }

  #watch(number: number, topic: Topic, after: number): void {
    // Until it is known that this may be watched, nothing is passed on.
    const watch: EventWatch = { topic, cursor: after, catchingUp: true }
    this.#events.set(number, watch)
    this.#admit(number, watch).catch((error: unknown) => this.#fail(error))
  }

  async #admit(number: number, watch: EventWatch): Promise<void> {
    await this.#looking
    const refusal = await refusalOf(this.#deps.db, this.#sight, watch.topic)
    if (this.#events.get(number) !== watch) return
    if (refusal) return this.#refuse(number, refusal)
    this.#catchUp(number, watch)
  }

  #refuse(number: number, { code, detail }: Problem): void {
    this.#unwatch(number)
    void this.#say({ say: 'refused', watch: number, code, reason: detail })
  }

  /** Rights have changed: nothing more is told before they are looked at, and what may no longer be watched ends. */
  #lookAgain(): void {
    const looked = this.#deps
      .look()
      .then(async (sight) => {
        this.#sight = sight
        await this.#endUnseen()
      })
      .then(() => {
        if (this.#looking !== looked) return // they have changed once more meanwhile
        this.#looking = null
        for (const [number, watch] of this.#events) this.#catchUp(number, watch)
      })
    this.#looking = looked
    looked.catch((error: unknown) => this.#fail(error))
  }

  async #endUnseen(): Promise<void> {
    const { db } = this.#deps
    const watched = [...this.#events].map(([number, { topic }]) => [number, topic] as const)
    const tailed = [...this.#tails].map(([number, { run }]) => [number, { of: 'run', run } as const] as const)
    for (const [number, topic] of [...watched, ...tailed]) {
      const refusal = await refusalOf(db, this.#sight, topic)
      if (refusal) this.#refuse(number, refusal)
    }
  }

  #tail(number: number, of: { run: RunId; from: LogPosition | null }): void {
    const quit = new AbortController()
    const tailing = { run: of.run, quit }
    this.#tails.set(number, tailing)
    this.#follow(number, of, quit.signal)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        if (this.#tails.get(number) === tailing) this.#tails.delete(number)
      })
  }

  async #follow(
    number: number,
    of: { run: RunId; from: LogPosition | null },
    quit: AbortSignal,
  ): Promise<void> {
    await this.#looking
    const refusal = await refusalOf(this.#deps.db, this.#sight, { of: 'run', run: of.run })
    if (quit.aborted) return
    if (refusal) return this.#refuse(number, refusal)
    // Each piece waits until the one before has left: a slow reader slows its own tail and nobody else.
    for await (const piece of tail(this.#deps, of, quit))
      await this.#say({ say: 'log', watch: number, ...piece })
    if (!quit.aborted) await this.#say({ say: 'log.ended', watch: number })
  }

  #unwatch(number: number): void {
    this.#events.delete(number)
    this.#tails.get(number)?.quit.abort()
    this.#tails.delete(number)
  }

  #tell(events: readonly Written[], since: number): void {
    if (events.some(({ event }) => event.kind === 'access.changed')) this.#lookAgain()
    if (this.#looking) return // each watch goes on from its cursor when that is done
    this.#deps.wire.cork()
    for (const [number, watch] of this.#events) {
      if (watch.catchingUp) continue
      if (watch.cursor < since) this.#catchUp(number, watch)
      else this.#pass(number, watch, events)
    }
    this.#deps.wire.uncork()
  }

  #pass(number: number, watch: EventWatch, events: readonly Written[]): void {
    const { readyState, OPEN } = this.#socket
    if (this.#socket.bufferedAmount > MOST_BUFFERED) return this.#leaveBehind(number, watch)
    for (const { id, event, text } of events) {
      if (id <= watch.cursor) continue
      watch.cursor = id
      if (readyState === OPEN && concerns(watch.topic, event) && seesEvent(this.#sight, event))
        this.#socket.send(`{"say":"event","watch":${number},"cursor":${id},"event":${text}}`)
    }
  }

  #catchUp(number: number, watch: EventWatch): void {
    watch.catchingUp = true
    this.#readMissed(number, watch).catch((error: unknown) => this.#fail(error))
  }

  async #readMissed(number: number, watch: EventWatch): Promise<void> {
    if (this.#deps.feed.cursor - watch.cursor > MOST_MISSED) return this.#leaveBehind(number, watch)
    for (let upTo = 0; watch.cursor < (upTo = this.#deps.feed.cursor);) {
      const events = await this.#deps.feed.after(watch.cursor)
      // Left or replaced while the database answered: the number is another watch's now, or nobody's.
      if (this.#looking || this.#events.get(number) !== watch) return
      this.#pass(number, watch, events)
      // What there was is not kept any more: nothing more will come of it.
      if (events.length === 0) watch.cursor = upTo
    }
    // In the same breath as the last look: an event told in between would be skipped.
    watch.catchingUp = false
  }

  #leaveBehind(number: number, watch: EventWatch): void {
    if (this.#events.get(number) !== watch) return
    this.#events.delete(number)
    void this.#say({ say: 'behind', watch: number, cursor: watch.cursor })
  }

  /** Resolves when the message has left; a socket that is closing takes nothing any more. */
  #say(message: LiveSays): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    if (this.#socket.readyState === this.#socket.OPEN)
      this.#socket.send(JSON.stringify(message), () => resolve())
    else resolve()
    return promise
  }

  #fail(error: unknown): void {
    log.error({ err: error }, 'live.failed')
    this.#socket.close(1011, 'the server failed; call again')
  }

  #end(): void {
    this.#off()
    for (const number of [...this.#events.keys(), ...this.#tails.keys()]) this.#unwatch(number)
  }
}

function concerns(topic: Topic, event: TaktEvent): boolean {
  switch (topic.of) {
    case 'all':
      return true
    case 'project':
      return 'project' in event && event.project === topic.project
    case 'run':
      return 'run' in event && event.run === topic.run
  }
}

function parse(frame: Buffer): DashboardSays | null {
  try {
    const read = DashboardSays.safeParse(JSON.parse(frame.toString('utf8')))
    return read.success ? read.data : null
  } catch {
    return null // not JSON: the sender is told that it was not understood
  }
}
