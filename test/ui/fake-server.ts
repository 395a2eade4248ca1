import { createReadStream, existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { extname, join } from 'node:path'
import { WebSocketServer, type WebSocket } from 'ws'
import type { DashboardSays, LiveSays, LogPosition, Topic } from '#pipelines/wire/live.ts'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import { answer } from './fake-api.ts'
import type { FakeWorld } from './fake-world.ts'

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self' ws: wss:"
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

export type FakeServer = AsyncDisposable & {
  readonly url: string
  /** Cuts every live connection without a farewell, as a dead network does. */
  readonly cut: () => void
  /** Refuses new live connections until it is lifted again. */
  readonly bar: (isBarred: boolean) => void
  /** Lets nobody watch anything for this reason, until there is none. */
  readonly refuse: (reason: string | null) => void
  readonly said: readonly DashboardSays[]
  readonly connections: () => number
}

/** A real HTTP and WebSocket server over a world in memory; with `dist` it serves the built dashboard under the real CSP. */
export async function serveFake(
  world: FakeWorld,
  { port = 0, dist = '' }: { port?: number; dist?: string } = {},
): Promise<FakeServer> {
  const sockets = new Set<Socket>()
  const said: DashboardSays[] = []
  let isBarred = false
  let refusal: string | null = null
  const server = createServer((request, response) => void handle(world, dist, request, response))
  const live = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket: Socket, head) => {
    if (isBarred || request.url !== '/live') return socket.destroy()
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    live.handleUpgrade(request, socket, head, (dashboard) =>
      speak(world, dashboard, { said, refusal: () => refusal }),
    )
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut: () => sockets.forEach((socket) => socket.destroy()),
    bar: (barred) => (isBarred = barred),
    refuse: (reason) => (refusal = reason),
    said,
    connections: () => sockets.size,
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy())
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function handle(
  world: FakeWorld,
  dist: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://fake')
  if (url.pathname.startsWith('/api/')) return answer(world, request, response)
  const file = join(dist, url.pathname)
  const found = dist !== '' && extname(file) !== '' && existsSync(file) ? file : join(dist, 'index.html')
  response.writeHead(200, {
    'content-type': TYPES[extname(found)] ?? 'text/plain',
    'content-security-policy': CSP,
  })
  createReadStream(found).pipe(response)
}

type Watch = { topic: Topic; cursor: number }
type Tail = { run: number; from: LogPosition | null; index: number; hasEnded: boolean }

type Heard = { readonly said: DashboardSays[]; readonly refusal: () => string | null }

/** One dashboard's side of the live protocol. */
function speak(world: FakeWorld, dashboard: WebSocket, { said, refusal }: Heard): void {
  const watches = new Map<number, Watch>()
  const tails = new Map<number, Tail>()
  const say = (says: LiveSays) => dashboard.send(JSON.stringify(says))

  function flush(): void {
    for (const [watch, state] of watches) {
      for (const event of world.events.slice(state.cursor)) {
        state.cursor++
        if (isAbout(event, state.topic)) say({ say: 'event', watch, cursor: state.cursor, event })
      }
    }
    for (const [watch, tail] of tails) flushTail(watch, tail)
  }

  function flushTail(watch: number, tail: Tail): void {
    const pieces = world.logs.get(tail.run) ?? []
    for (; tail.index < pieces.length; tail.index++) {
      const piece = pieces[tail.index]
      if (piece && isBehind(piece, tail.from)) say({ say: 'log', watch, ...piece })
    }
    const run = world.runs.get(tail.run)
    if (run && world.isFinal(run) && !tail.hasEnded) {
      tail.hasEnded = true
      say({ say: 'log.ended', watch })
    }
  }

  dashboard.on('message', (message) => {
    const says: DashboardSays = JSON.parse(String(message))
    said.push(says)
    watches.delete(says.watch)
    tails.delete(says.watch)
    const reason = refusal()
    if (says.say === 'watch' && reason !== null)
      return say({ say: 'refused', watch: says.watch, code: 'project-not-found', reason })
    if (says.say === 'watch') watches.set(says.watch, { topic: says.topic, cursor: says.after })
    if (says.say === 'tail')
      tails.set(says.watch, { run: says.run, from: says.from, index: 0, hasEnded: false })
    flush()
  })
  world.listeners.add(flush)
  dashboard.on('close', () => world.listeners.delete(flush))
}

/** Pieces are sent whole: a reader that stands in the middle of one has to cut it itself. */
function isBehind(piece: { attempt: number; step: number; end: number }, from: LogPosition | null): boolean {
  if (!from) return true
  if (piece.attempt !== from.attempt) return piece.attempt > from.attempt
  return piece.end > (new Map(from.ends).get(piece.step) ?? 0)
}

function isAbout(event: TaktEvent, topic: Topic): boolean {
  if (topic.of === 'all') return true
  if (topic.of === 'project') return 'project' in event && event.project === topic.project
  return 'run' in event && event.run === topic.run
}
