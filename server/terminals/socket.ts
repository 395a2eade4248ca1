import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { TERMINAL_FRAME_BYTES, TERMINAL_WINDOW_BYTES } from '#pipelines/wire/terminal-frames.ts'
import { type HostSays, VisitorSays } from '#pipelines/wire/terminal.ts'
import { reaches } from '#pipelines/access/roles.ts'
import type { RunId } from '#pipelines/ids.ts'
import { type Credentials, credentialsOf, identify } from '../access/authenticate.ts'
import { accessOf, groundOfRun, roleInRun } from '../access/grants.ts'
import type { Book } from '../audit/book.ts'
import { audited, onRecord } from '../audit/on-record.ts'
import type { Db } from '../db/connect.ts'
import { senderOf } from '../http/address.ts'
import { isOurs } from '../http/guard.ts'
import { startHeartbeat } from '../http/heartbeat.ts'
import type { Identity } from '../access/queries.ts'
import { type MostSockets, Seats } from '../http/seats.ts'
import { refuseUpgrade } from '../http/upgrade.ts'
import { log } from '../log.ts'
import { Problem } from '../problem.ts'
import type { TerminalDesk, Visit } from './desk.ts'

export interface TerminalSockets extends AsyncDisposable {
  /** Take over an HTTP request for `/terminal`. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

type Deps = {
  readonly db: Db
  readonly desk: TerminalDesk
  readonly book: Book
  readonly proxies: number
  readonly publicUrl: () => string
  /** Calls back whenever somebody’s rights have changed. @returns How to hear no more. */
  readonly onRights: (changed: () => void) => () => void
  readonly recheckMs?: number
  readonly most?: MostSockets
}

/** A terminal is looked at by somebody: nobody has more than a screen full. */
const MOST_SOCKETS: MostSockets = { each: 30, nobody: 0, all: 400 }

/** How long somebody may go on typing whose session has ended or whose token has expired. */
const RECHECK_MS = 30_000
/** Who connects knows what it wants. */
const FIRST_WORD_MS = 10_000
const GOODBYE_MS = 1_000
const ENDED = 'the session has ended, or may do less than before'

/**
 * Where people's terminals dial in: those who maintain the run's project. A browser must say that it comes from our own pages; a program shows a token
 * and says nothing of the kind.
 */
export function terminalSockets(deps: Deps): TerminalSockets {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: TERMINAL_WINDOW_BYTES,
  })
  const stopHeartbeat = startHeartbeat(server)
  const seats = new Seats(deps.most ?? MOST_SOCKETS)

  async function admit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { origin, host } = request.headers
    const credentials = credentialsOf(request.headers)
    const isForeign =
      origin === undefined ? !credentials.authorization : !isOurs(origin, host, deps.publicUrl())
    if (isForeign) return refuseUpgrade(socket, 403, 'the page is of another origin')
    const user = await identify(deps.db, credentials)
    const address = senderOf(request, deps.proxies)
    if (!user) return refuseUpgrade(socket, 401, 'sign in first')
    if (seats.isFull(user.id))
      return refuseUpgrade(socket, 429, 'there are enough terminals open; close another one')
    const door = { ...deps, credentials: { ...credentials, held: true }, address }
    server.handleUpgrade(request, socket, head, (ws) => {
      seats.seat(ws, user.id)
      receive(ws, user, door)
    })
  }

  return {
    upgrade(request, socket, head) {
      admit(request, socket, head).catch((error: unknown) => {
        if (error instanceof Problem) return refuseUpgrade(socket, 401, error.detail)
        log.error({ err: error }, 'terminal.upgrade-failed')
        refuseUpgrade(socket, 500, 'the server failed')
      })
    },
    async [Symbol.asyncDispose]() {
      stopHeartbeat()
      for (const client of server.clients) hangUp(client, 1001, 'the server goes down')
      server.close()
    },
  }
}

type Door = Deps & { readonly credentials: Credentials; readonly address: string }

/** One person's connection: the first word opens the terminal, hanging up closes it. */
function receive(ws: WebSocket, user: Identity, door: Door): void {
  const { db, desk, book, credentials, address, recheckMs = RECHECK_MS } = door
  let visit: Visit | null = null
  let asked = false
  let run: RunId | null = null
  const say = (word: HostSays) => {
    if (ws.readyState === ws.OPEN) ws.send(JSON.stringify(word))
  }
  const refuse = (code: string, reason: string) => {
    say({ say: 'refused', code, reason })
    hangUp(ws, 1008, code)
  }
  const visitor = {
    say,
    show: (screen: Uint8Array) => {
      if (ws.readyState === ws.OPEN) ws.send(screen)
    },
    over: ({ exitCode, reason }: { exitCode: number | null; reason: string | null }) => {
      say({ say: 'closed', exitCode, reason })
      hangUp(ws, 1000, 'closed')
    },
  }
  /** Asked with what the person shows now: rights change while somebody is connected. */
  async function mayOpen(run: RunId): Promise<void> {
    const role = await roleInRun(db, await accessOf(db, await identify(db, credentials)), run)
    if (role === null) throw new Problem('run-not-found', `there is no run ${run}`)
    if (!reaches(role, 'maintainer'))
      throw new Problem('not-allowed', `terminals need the role maintainer, and yours is ${role}`)
  }
  async function factsOf(run: RunId) {
    const ground = await groundOfRun(db, run)
    const token = user.via.by === 'token' ? user.via : null
    return {
      ...{ actor_id: user.id, actor: user.name, actor_kind: token?.kind ?? 'person' },
      ...{ token: token?.name ?? null, address: address || null },
      ...({ via: 'terminal', action: 'terminal.open', target: `/runs/${run}` } as const),
      ...{ organization_id: ground?.organization ?? null, project: ground?.name ?? null },
    }
  }
  async function open({ say: _, ...wanted }: Extract<VisitorSays, { say: 'open' }>) {
    const opened = await onRecord(book, await factsOf(wanted.run), async () => {
      await mayOpen(wanted.run)
      run = wanted.run
      audited({ after: { command: wanted.command } })
      return desk.open(user, wanted, visitor)
    })
    if (ws.readyState === ws.OPEN) visit = opened
    else opened.left(null)
  }
  function hear(frame: Buffer, binary: boolean): void {
    if (binary) {
      if (frame.length > TERMINAL_FRAME_BYTES) return refuse('invalid-request', 'the frame is too long')
      return visit ? visit.typed(frame) : refuse('invalid-request', 'wait for `opened`')
    }
    const word = parse(frame)
    if (!word || (word.say === 'open') === asked)
      return refuse('invalid-request', 'the message was not understood; reload the page')
    if (word.say !== 'open') return visit?.obey(word)
    asked = true
    open(word).catch((error: unknown) => {
      if (error instanceof Problem) return refuse(error.code, error.detail)
      log.error({ err: error }, 'terminal.open-failed')
      refuse('unavailable', 'the server failed; the cause is in its log')
    })
  }
  const patience = setTimeout(
    () => !asked && refuse('invalid-request', 'nothing was asked for'),
    FIRST_WORD_MS,
  )
  const recheck = setInterval(() => void leaveIfGone(), recheckMs)
  const off = door.onRights(() => void leaveIfGone())
  async function leaveIfGone() {
    try {
      if (run === null) {
        if (!(await identify(db, credentials))) hangUp(ws, 4401, 'the session has ended')
      } else await mayOpen(run)
    } catch (error) {
      if (error instanceof Problem) visit ? visit.left(ENDED) : hangUp(ws, 4401, ENDED)
      else log.warn({ err: error }, 'terminal.recheck-failed') // the database is away: asked again next time
    }
  }
  ws.on('message', hear)
  ws.on('error', (error) => log.warn({ err: error }, 'terminal.socket-failed'))
  ws.on('close', () => {
    clearTimeout(patience)
    clearInterval(recheck)
    off()
    visit?.left(null)
  })
}

function hangUp(ws: WebSocket, code: number, reason: string): void {
  ws.close(code, reason)
  setTimeout(() => ws.terminate(), GOODBYE_MS).unref()
}

function parse(frame: Buffer): VisitorSays | null {
  try {
    const read = VisitorSays.safeParse(JSON.parse(frame.toString('utf8')))
    return read.success ? read.data : null
  } catch {
    return null // not JSON: the sender is told that it was not understood
  }
}
