import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { credentialsOf, identify } from '../access/authenticate.ts'
import { isOurs } from '../http/guard.ts'
import { startHeartbeat } from '../http/heartbeat.ts'
import { refuseUpgrade } from '../http/upgrade.ts'
import { log } from '../log.ts'
import { Problem } from '../problem.ts'
import { LiveConnection, type LiveDeps } from './connection.ts'

export interface LiveSockets extends AsyncDisposable {
  /** Take over an HTTP request for `/live`. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

const MOST_MESSAGE_BYTES = 16 * 1024

/** Where dashboards and command lines watch. A browser must come from our own pages; everybody must be somebody. */
export function liveSockets(deps: LiveDeps & { readonly publicUrl: () => string }): LiveSockets {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MOST_MESSAGE_BYTES,
  })
  const stopHeartbeat = startHeartbeat(server)

  async function admit(request: IncomingMessage, socket: Duplex, head: Buffer) {
    const { origin, host } = request.headers
    if (origin !== undefined && !isOurs(origin, host, deps.publicUrl()))
      return refuseUpgrade(socket, 403, 'the page is of another origin')
    const user = await identify(deps.db, credentialsOf(request.headers))
    if (!user) return refuseUpgrade(socket, 401, 'sign in first')
    server.handleUpgrade(request, socket, head, (ws) => new LiveConnection(ws, deps))
  }
  return {
    upgrade(request, socket, head) {
      admit(request, socket, head).catch((error: unknown) => {
        if (error instanceof Problem) return refuseUpgrade(socket, 401, error.detail)
        log.error({ err: error }, 'live.upgrade-failed')
        refuseUpgrade(socket, 500, 'the server failed')
      })
    },
    async [Symbol.asyncDispose]() {
      stopHeartbeat()
      for (const client of server.clients) client.close(1001, 'the server goes down; call again')
      server.close()
      setTimeout(() => {
        for (const client of server.clients) client.terminate()
      }, 1_000).unref()
    },
  }
}
