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

type Follower = { readonly watch: EventWatch; cursor: number }
type TopicReader = {
  readonly kind: 'events'
  readonly topic: Topic
  readonly followers: Set<Follower>
  /** Under which it is watched now. */
  number: number
  /** The server has let go of it. */
  isLost: boolean
}
type Reader = TopicReader | { readonly kind: 'log'; readonly tail: LogTail }

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
 *
 * However many parts of a page watch a topic, it is watched once. Who joins with less than the others have heard has it told
 * again from there, and the others skip what they know.
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
    const follower = { watch, cursor: watch.after }
    const reader = this.#readerOf(watch.topic)
    const heard = Math.max(...cursorsOf(reader))
    reader.followers.add(follower)
    if (reader.isLost || watch.after < heard) this.#askAnew(reader)
    return () => {
      if (reader.followers.delete(follower) && reader.followers.size === 0) this.#leave(reader.number)
    }
  }

  tail(tail: LogTail): () => void {
    const number = this.#add({ kind: 'log', tail })
    return () => this.#leave(number)
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

  #add(reader: Reader): number {
    const number = ++this.#lastNumber
    this.#readers.set(number, reader)
    this.#ask(number, reader)
    return number
  }

  #leave(number: number): void {
    if (this.#readers.delete(number)) this.#say({ say: 'unwatch', watch: number })
  }

  /** Who watches the topic already; else somebody who still has to ask. */
  #readerOf(topic: Topic): TopicReader {
    const wanted = JSON.stringify(topic)
    for (const reader of this.#readers.values())
      if (reader.kind === 'events' && JSON.stringify(reader.topic) === wanted) return reader
    return { kind: 'events', topic, followers: new Set(), number: 0, isLost: true }
  }

  /** Under a new number: what is on its way under the old one lies behind what is asked for. */
  #askAnew(reader: TopicReader): void {
    this.#leave(reader.number)
    reader.isLost = false
    reader.number = this.#add(reader)
  }

  #dial(): void {
    if (this.#closed) return
    const socket = this.#options.dial()
    this.#socket = socket
    socket.onopen = () => {
      if (this.#socket !== socket) return
      this.#attempt = 0
      this.#options.changed('live')
      for (const [number, reader] of this.#readers) {
        if (reader.kind === 'events') reader.isLost = false
        this.#ask(number, reader)
      }
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
      this.#say({ say: 'watch', watch: number, topic: reader.topic, after: Math.min(...cursorsOf(reader)) })
    else this.#say({ say: 'tail', watch: number, run: reader.tail.run, from: reader.tail.position() })
  }

  #say(says: DashboardSays): void {
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(says))
  }

  #hear(says: LiveSays): void {
    if (says.watch === null) return
    const reader = this.#readers.get(says.watch)
    if (reader?.kind === 'events') this.#hearTopic(reader, says)
    if (reader?.kind === 'log') this.#hearLog(says.watch, reader.tail, says)
  }

  #hearTopic(reader: TopicReader, says: LiveSays): void {
    if (says.say === 'event') return hearEvent(reader.followers, says)
    if (says.say !== 'behind' && says.say !== 'refused') return
    reader.isLost = true
    for (const { watch } of [...reader.followers])
      if (says.say === 'behind') watch.behind()
      else watch.refused(says.reason)
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

const cursorsOf = ({ followers }: TopicReader): number[] => [...followers].map(({ cursor }) => cursor)

function hearEvent(followers: ReadonlySet<Follower>, says: Extract<LiveSays, { say: 'event' }>): void {
  // Those who follow now: who leaves because of it hears no more, and who joins asks for what it lacks.
  for (const follower of [...followers]) {
    if (says.cursor <= follower.cursor || !followers.has(follower)) continue
    follower.cursor = says.cursor
    follower.watch.heard(says.event, says.cursor)
  }
}
