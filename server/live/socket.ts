import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { NOBODY } from '#pipelines/access/roles.ts'
import { type Credentials, credentialsOf } from '../access/authenticate.ts'
import { isOurs } from '../http/guard.ts'
import { startHeartbeat } from '../http/heartbeat.ts'
import { type MostSockets, Seats } from '../http/seats.ts'
import { refuseUpgrade } from '../http/upgrade.ts'
import { log } from '../log.ts'
import { Problem } from '../problem.ts'
import { LiveConnection, type LiveDeps } from './connection.ts'
import { Looks } from './looks.ts'
import { type Sight, sightOf } from './sight.ts'

/** The close code for those who may no longer watch: 401, in the range that is an application's own. */
const NOT_LET_IN = 4401
const NOTHING: Credentials = { authorization: undefined, cookie: undefined }

const BLIND: Sight = { isSomebody: false, user: null, access: NOBODY, projects: new Set() }
/** Who is nobody may watch where there is something public. */
const maySit = ({ isSomebody, projects }: Sight) => isSomebody || projects === null || projects.size > 0

export interface LiveSockets extends AsyncDisposable {
  /** Take over an HTTP request for `/live`. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

const MOST_MESSAGE_BYTES = 64 * 1024
/** How long somebody may go on watching whose session has ended or whose token has expired. */
const RECHECK_MS = 30_000
/** They are asked about in turns: all at once would keep everybody waiting. */
const TURNS = 30

const MOST_SOCKETS: MostSockets = { each: 100, nobody: 500, all: 5_000 }

type Deps = LiveDeps & {
  readonly publicUrl: () => string
  readonly recheckMs?: number
  readonly most?: MostSockets
}

/**
 * Where dashboards and command lines watch. A browser must come from our own pages; everybody must be somebody, or find something
 * public, and is asked about again now and then and whenever rights have changed.
 */
export function liveSockets(deps: Deps): LiveSockets {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MOST_MESSAGE_BYTES,
  })
  const stopHeartbeat = startHeartbeat(server)
  const looks = new Looks((credentials) => sightOf(deps.db, credentials))
  const admitted = new WeakMap<WebSocket, { readonly credentials: Credentials; readonly turn: number }>()
  let seated = 0
  let turn = 0
  const recheck = setInterval(
    () => {
      turn = (turn + 1) % TURNS
      for (const socket of server.clients) if (admitted.get(socket)?.turn === turn) void recheckOne(socket)
    },
    (deps.recheckMs ?? RECHECK_MS) / TURNS,
  )

  const seats = new Seats(deps.most ?? MOST_SOCKETS)

  async function admit(request: IncomingMessage, socket: Duplex, head: Buffer) {
    const { origin, host } = request.headers
    if (origin !== undefined && !isOurs(origin, host, deps.publicUrl()))
      return refuseUpgrade(socket, 403, 'the page is of another origin')
    const credentials = credentialsOf(request.headers)
    const sight = await sightOf(deps.db, credentials)
    if (!maySit(sight)) return refuseUpgrade(socket, 401, 'sign in first')
    if (seats.isFull(sight.user))
      return refuseUpgrade(socket, 429, 'there are enough connections; close another one')
    const held = { ...credentials, held: true }
    server.handleUpgrade(request, socket, head, (ws) => {
      admitted.set(ws, { credentials: held, turn: seated++ % TURNS })
      seats.seat(ws, sight.user)
      new LiveConnection(ws, { ...deps, sight, wire: socket, look: () => lookAgain(ws, held) })
    })
  }

  async function lookAgain(socket: WebSocket, credentials: Credentials): Promise<Sight> {
    try {
      const sight = await looks.ask(credentials)
      if (!maySit(sight)) socket.close(NOT_LET_IN, 'the session has ended; sign in again')
      return sight
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      socket.close(NOT_LET_IN, 'the API token is not known any more')
      return BLIND
    }
  }

  async function recheckOne(socket: WebSocket) {
    try {
      await lookAgain(socket, admitted.get(socket)?.credentials ?? NOTHING)
    } catch (error) {
      // The database is away, and so are the events that it would tell: asked again next time.
      log.warn({ err: error }, 'live.recheck-failed')
    }
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
      clearInterval(recheck)
      for (const client of server.clients) client.close(1001, 'the server goes down; call again')
      server.close()
      setTimeout(() => {
        for (const client of server.clients) client.terminate()
      }, 1_000).unref()
    },
  }
}
