import { inFrames, TERMINAL_WINDOW_BYTES } from '#pipelines/wire/terminal-frames.ts'
import type { HostSays, VisitorSays } from '#pipelines/wire/terminal.ts'

export type Size = { readonly columns: number; readonly rows: number }
export type Closed = Pick<Extract<HostSays, { say: 'closed' }>, 'exitCode' | 'reason'>

type TerminalOptions = {
  readonly dial: () => WebSocket
  readonly run: number
  readonly size: Size
  readonly opened: () => void
  /** `done` is called once the bytes are drawn, and makes room for more. */
  readonly shown: (bytes: Uint8Array, done: () => void) => void
  /** Said once; nothing comes after it. */
  readonly closed: (closed: Closed) => void
}

/** One terminal over a WebSocket of its own: what is typed waits where there is no room for it, and nothing is dialled twice. */
export class TerminalLink {
  readonly #socket: WebSocket
  readonly #options: TerminalOptions
  #room = 0
  #waiting: Uint8Array[] = []
  #isOver = false

  constructor(options: TerminalOptions) {
    this.#options = options
    this.#socket = options.dial()
    this.#socket.binaryType = 'arraybuffer'
    const { run, size } = options
    this.#socket.onopen = () =>
      this.#say({ say: 'open', run: run as never, image: null, command: [], ...size })
    this.#socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => this.#hear(data)
    this.#socket.onclose = () => this.#end({ exitCode: null, reason: 'the connection was lost' })
  }

  type(text: string): void {
    this.#waiting.push(...inFrames(new TextEncoder().encode(text)))
    this.#send()
  }

  resize(size: Size): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#say({ say: 'resize', ...size })
  }

  close(): void {
    this.#end({ exitCode: null, reason: null })
  }

  #hear(data: string | ArrayBuffer): void {
    if (typeof data !== 'string') return this.#show(new Uint8Array(data))
    const word: HostSays = JSON.parse(data)
    switch (word.say) {
      case 'opened':
        this.#room = TERMINAL_WINDOW_BYTES
        this.#send()
        return this.#options.opened()
      case 'room':
        this.#room += word.bytes
        return this.#send()
      case 'closed':
        return this.#end(word)
      case 'refused':
        return this.#end({ exitCode: null, reason: word.reason })
    }
  }

  #show(bytes: Uint8Array): void {
    this.#options.shown(bytes, () => {
      if (this.#socket.readyState === WebSocket.OPEN) this.#say({ say: 'room', bytes: bytes.length })
    })
  }

  #send(): void {
    for (let next = this.#waiting[0]; next && next.length <= this.#room; next = this.#waiting[0]) {
      this.#room -= next.length
      this.#socket.send(next.slice())
      this.#waiting.shift()
    }
  }

  #say(word: VisitorSays): void {
    this.#socket.send(JSON.stringify(word))
  }

  #end({ exitCode, reason }: Closed): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#socket.close()
    this.#options.closed({ exitCode, reason })
  }
}
