import { WebSocket } from 'ws'
import type { RunId } from '#pipelines/ids.ts'
import { inFrames, TERMINAL_WINDOW_BYTES } from '#pipelines/wire/terminal-frames.ts'
import { HostSays, type VisitorSays } from '#pipelines/wire/terminal.ts'
import { authorization, unreachable } from './call.ts'
import { readConfig } from './config.ts'
import { Ending, RED, WRONG_USE } from './ending.ts'
import { note, plain } from './print.ts'

type Asked = { readonly image?: string; readonly command: readonly string[] }
/** What a program has that is not on a screen. */
const NO_SCREEN = { columns: 80, rows: 24 }

/**
 * A terminal in a run's container, on this one. Where standard input is no terminal, what comes there is typed, and its end is
 * an end of file (Ctrl-D) behind it.
 *
 * @returns What its program ended with.
 */
export async function exec(run: number, { image, command }: Asked): Promise<number> {
  const config = readConfig()
  const socket = new WebSocket(`${config.url.replace(/^http/, 'ws')}/terminal`, {
    headers: authorization(config),
    perMessageDeflate: false,
  })
  const { stdin, stdout } = process
  const size = () => (stdout.isTTY ? { columns: stdout.columns || 80, rows: stdout.rows || 24 } : NO_SCREEN)
  const say = (word: VisitorSays) => socket.send(JSON.stringify(word))
  const typist = new Typist(socket)
  const ended = Promise.withResolvers<number>()

  socket.on('open', () =>
    say({ say: 'open', run: run as RunId, image: image ?? null, command: [...command], ...size() }),
  )
  socket.on('unexpected-response', (_, response) => {
    const words =
      response.statusCode === 401
        ? 'the server does not know this token'
        : `the server answered ${response.statusCode}`
    ended.reject(new Ending(WRONG_USE, words))
  })
  socket.on('error', (error) => ended.reject(unreachable(config, error)))
  socket.on('close', () => ended.reject(new Ending(RED, 'the connection to the server was lost')))
  socket.on('message', (frame: Buffer, binary) => {
    if (binary) return void stdout.write(frame, () => say({ say: 'room', bytes: frame.length }))
    const word = HostSays.parse(JSON.parse(frame.toString('utf8')))
    if (word.say === 'opened') typist.begin(stdin)
    else if (word.say === 'room') typist.room(word.bytes)
    else if (word.say === 'refused') ended.reject(new Ending(WRONG_USE, word.reason))
    else ended.resolve(lastWord(word))
  })
  const resized = () => say({ say: 'resize', ...size() })
  stdout.on('resize', resized)
  try {
    return await ended.promise
  } finally {
    stdout.off('resize', resized)
    typist.end(stdin)
    socket
      .removeAllListeners()
      .on('error', () => {})
      .terminate()
  }
}

function lastWord({ exitCode, reason }: Extract<HostSays, { say: 'closed' }>): number {
  if (reason) note(`takt: ${plain(reason)}`)
  return exitCode ?? RED
}

/** Ctrl-D. In the middle of a line the first one only hands the line over. */
const END_OF_FILE = Buffer.from('\u0004\u0004')

/** Sends what is typed, as far as there is room for it; the rest waits, and then standard input does. */
class Typist {
  readonly #socket: WebSocket
  #room = TERMINAL_WINDOW_BYTES
  #waiting: Buffer[] = []

  constructor(socket: WebSocket) {
    this.#socket = socket
  }

  begin(stdin: NodeJS.ReadStream): void {
    if (stdin.isTTY) stdin.setRawMode(true)
    stdin.on('data', (keys: Buffer) => this.#type(stdin, keys))
    if (!stdin.isTTY) stdin.on('end', () => this.#type(stdin, END_OF_FILE))
    stdin.resume()
  }

  room(bytes: number): void {
    this.#room += bytes
    this.#send()
    if (this.#waiting.length === 0) process.stdin.resume()
  }

  end(stdin: NodeJS.ReadStream): void {
    if (stdin.isTTY) stdin.setRawMode(false)
    stdin.removeAllListeners('data').removeAllListeners('end').pause()
  }

  #type(stdin: NodeJS.ReadStream, keys: Buffer): void {
    for (const part of inFrames(keys)) this.#waiting.push(Buffer.from(part))
    this.#send()
    if (this.#waiting.length > 0) stdin.pause()
  }

  #send(): void {
    for (let next = this.#waiting[0]; next && next.length <= this.#room; next = this.#waiting[0]) {
      this.#room -= next.length
      this.#socket.send(next)
      this.#waiting.shift()
    }
  }
}
