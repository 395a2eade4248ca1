import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { MOST_FRAME_BYTES } from '#pipelines/wire/runner.ts'
import { sameSecret } from '../access/derive.ts'
import type { Hints } from '../events/listen.ts'
import { startHeartbeat } from '../http/heartbeat.ts'
import { refuseUpgrade } from '../http/upgrade.ts'
import { type LinkDeps, RunnerLink } from './link.ts'
import { Reads } from './reads.ts'

export interface RunnerSockets extends AsyncDisposable {
  /** Take over an HTTP request for `/runner`. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Something may be due that no commit told of. */
  look(): void
}

/** More connections are no runners any more, but one that dials without end. */
const MOST_RUNNERS = 2_000

/** Where runners dial in. It opens only to the runner token. */
export function runnerSockets(
  deps: Omit<LinkDeps, 'arrived' | 'reads'> & {
    readonly token: string
    readonly hints: Hints
    readonly most?: number
  },
): RunnerSockets {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MOST_FRAME_BYTES,
  })
  const links = new Map<RunnerLink, Promise<void>>()
  const named = new Map<string, RunnerLink>()
  const stopHeartbeat = startHeartbeat(server)
  const look = () => {
    for (const link of links.keys()) link.look()
  }
  const off = deps.hints.on(look)
  const arrived = (name: string, link: RunnerLink) => {
    const before = named.get(name)
    named.set(name, link)
    if (before && before !== link && links.has(before)) before.replaced()
  }
  return {
    look,
    upgrade(request, socket, head) {
      const shown = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
      if (!shown || !sameSecret(shown, deps.token)) {
        return refuseUpgrade(
          socket,
          401,
          'this is not the runner token; set TAKT_RUNNER_TOKEN to the same value on server and runner',
        )
      }
      const { most = MOST_RUNNERS } = deps
      if (links.size >= most)
        return refuseUpgrade(
          socket,
          503,
          `${most} runners are connected to this server, which is all it takes`,
        )
      server.handleUpgrade(request, socket, head, (ws) => {
        const link = new RunnerLink(ws, { ...deps, arrived, reads: new Reads(socket) })
        const gone = Promise.withResolvers<void>()
        links.set(link, gone.promise)
        ws.on('close', () => {
          void link.closed().finally(() => {
            links.delete(link)
            gone.resolve()
          })
        })
      })
    },
    async [Symbol.asyncDispose]() {
      off()
      stopHeartbeat()
      server.close() // first: whoever calls again at once would be let in and never dismissed
      for (const link of links.keys()) link.dismiss()
      await Promise.all(links.values())
    },
  }
}
