import { redialMs } from '#pipelines/wire/redial.ts'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import type { DashboardSays, LiveSays, LogPosition, Topic } from '#pipelines/wire/live.ts'
import type { LogPiece } from './log-book.ts'

/** `dialling` the first time, `live` while the server speaks to us, `lost` until it does again. */
export type LinkStatus = 'dialling' | 'live' | 'lost'

export type EventWatch = {
  readonly topic: Topic
  readonly after: number
  readonly heard: (event: TaktEvent, cursor: number) => void
  /** Too much was missed: take a new snapshot, then watch again from its cursor. */
  readonly behind: () => void
  readonly refused: (reason: string) => void
}

export type LogTail = {
  readonly run: number
  /** Where to go on, asked again after every reconnect. */
  readonly position: () => LogPosition | null
  readonly piece: (piece: LogPiece) => void
  readonly ended: () => void
  readonly refused: (reason: string) => void
}

type Reader =
  | { readonly kind: 'events'; readonly watch: EventWatch; cursor: number }
  | { readonly kind: 'log'; readonly tail: LogTail }

export type LinkOptions = {
  readonly dial: () => WebSocket
  readonly changed: (status: LinkStatus) => void
  /** A call failed; the page may ask over HTTP whether the session has ended. */
  readonly failed?: (attempt: number) => void
  readonly chance?: () => number
}

/**
 * The one WebSocket between this page and the server.
 *
 * Dials until it is closed for good; after every dial it watches each topic again from the last cursor it heard, and tails
 * each log from the first byte that is missing. A stranger's number is ignored: its reader has left.
 */
export class LiveLink {
  readonly #options: LinkOptions
  readonly #readers = new Map<number, Reader>()
  #socket: WebSocket | null = null
  #redial: ReturnType<typeof setTimeout> | null = null
  #attempt = 0
  #lastNumber = 0
  #closed = false

  constructor(options: LinkOptions) {
    this.#options = options
    this.#dial()
  }

  watch(watch: EventWatch): () => void {
    return this.#read({ kind: 'events', watch, cursor: watch.after })
  }

  tail(tail: LogTail): () => void {
    return this.#read({ kind: 'log', tail })
  }

  /** Drops the present connection and dials at once: after a sleep or a change of network it may be dead without saying so. */
  redial(): void {
    this.#attempt = 0
    this.#drop()
    this.#dial()
  }

  close(): void {
    this.#closed = true
    this.#drop()
  }

  #read(reader: Reader): () => void {
    const number = ++this.#lastNumber
    this.#readers.set(number, reader)
    this.#ask(number, reader)
    return () => {
      this.#readers.delete(number)
      this.#say({ say: 'unwatch', watch: number })
    }
  }

  #dial(): void {
    if (this.#closed) return
    const socket = this.#options.dial()
    this.#socket = socket
    socket.onopen = () => {
      if (this.#socket !== socket) return
      this.#attempt = 0
      this.#options.changed('live')
      for (const [number, reader] of this.#readers) this.#ask(number, reader)
    }
    socket.onmessage = (message: MessageEvent<string>) => {
      if (this.#socket === socket) this.#hear(JSON.parse(message.data))
    }
    socket.onclose = () => {
      if (this.#socket === socket) this.#lose()
    }
  }

  #lose(): void {
    this.#drop()
    this.#options.changed('lost')
    this.#options.failed?.(this.#attempt)
    const chance = this.#options.chance ?? Math.random
    this.#redial = setTimeout(() => this.#dial(), redialMs(this.#attempt++, chance()))
  }

  #drop(): void {
    if (this.#redial) clearTimeout(this.#redial)
    this.#redial = null
    const socket = this.#socket
    this.#socket = null
    socket?.close()
  }

  #ask(number: number, reader: Reader): void {
    if (reader.kind === 'events')
      this.#say({ say: 'watch', watch: number, topic: reader.watch.topic, after: reader.cursor })
    else this.#say({ say: 'tail', watch: number, run: reader.tail.run, from: reader.tail.position() })
  }

  #say(says: DashboardSays): void {
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(says))
  }

  #hear(says: LiveSays): void {
    if (says.watch === null) return
    const reader = this.#readers.get(says.watch)
    if (reader?.kind === 'events') hearEvent(reader, says)
    if (reader?.kind === 'log') this.#hearLog(says.watch, reader.tail, says)
  }

  #hearLog(number: number, tail: LogTail, says: LiveSays): void {
    if (says.say === 'log') tail.piece(says)
    else if (says.say === 'log.ended') tail.ended()
    else if (says.say === 'refused') tail.refused(says.reason)
    else if (says.say === 'behind')
      this.#say({ say: 'tail', watch: number, run: tail.run, from: tail.position() })
  }
}

const OPEN = 1

function hearEvent(reader: Extract<Reader, { kind: 'events' }>, says: LiveSays): void {
  if (says.say === 'behind') return reader.watch.behind()
  if (says.say === 'refused') return reader.watch.refused(says.reason)
  if (says.say !== 'event' || says.cursor <= reader.cursor) return
  reader.cursor = says.cursor
  reader.watch.heard(says.event, says.cursor)
}
