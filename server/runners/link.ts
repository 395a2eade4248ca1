import type { WebSocket } from 'ws'
import type { RunId } from '#pipelines/ids.ts'
import { decodeLog } from '#pipelines/wire/log-frames.ts'
import { DIALECT, RunnerSays, type ServerSays } from '#pipelines/wire/runner.ts'
import { decodeTerminal } from '#pipelines/wire/terminal-frames.ts'
import { isTerminalWord, type TerminalWord } from '#pipelines/wire/terminal.ts'
import { secretsOf } from '../checks/logins.ts'
import type { Db } from '../db/connect.ts'
import { saysNul } from '../http/legible.ts'
import { log } from '../log.ts'
import type { LogHub } from '../logs/hub.ts'
import { giveBack, packedPiece, plainPiece } from '../logs/piece.ts'
import { CheckDesk } from './check-desk.ts'
import { newSecret } from '../access/key-files.ts'
import { claimRun } from '../runs/claim.ts'
import type { Opening } from '../runs/plan-of.ts'
import type { Guest, RunnerLine } from './guest.ts'
import { Inbox } from './inbox.ts'
import { noteStanding } from './note-event.ts'
import { arrive, type Hello, leave, type Present, speaks, stay, stopsFor, wishesOf } from './queries.ts'
import type { Reads } from './reads.ts'
import { heardOf, loseUncarried, renew } from './reap.ts'
import { hear, type Report } from './report.ts'

export type LinkDeps = {
  readonly db: Db
  readonly hub: LogHub
  readonly leaseMs: number
  readonly opening: Opening
  readonly arrived: (name: string, link: RunnerLink) => void
  /** Whoever looks after terminals. */
  readonly guest: Guest
  readonly reads: Reads
}

/** What a runner says besides its reports. */
type Order = Exclude<RunnerSays, { say: 'report' } | TerminalWord>

const HELLO_FIRST = 'say hello first'
/** How long a runner has to answer a goodbye. */
const CLOSE_MS = 1_000

/** The server's end of one runner's connection. Messages are taken one at a time, in the order they came. */
export class RunnerLink {
  readonly #deps: LinkDeps
  readonly #socket: WebSocket
  readonly #inbox = new Inbox<Order>()
  readonly #stopped = new Set<RunId>()
  readonly #desk: CheckDesk
  #runner: Present | null = null
  #line: RunnerLine | null = null
  #life = ''
  /** What people want of the runner, as it was told last. */
  #told = JSON.stringify({ mode: 'active', resets: 0 })
  #wanted = 0
  /** So many runs were sent over this connection. */
  #sent = 0
  #draining: Promise<void> | null = null
  /** What is being written down: the runner hears of it before it hears of what comes of it. */
  #writing: Promise<unknown> = Promise.resolve()
  #looking: Promise<void> | null = null
  #lookAgain = false

  constructor(socket: WebSocket, deps: LinkDeps) {
    this.#socket = socket
    this.#deps = deps
    const { keys, stores } = deps.opening
    this.#desk = new CheckDesk(deps.db, secretsOf(deps.db, keys, stores), (order) => this.#say(order))
    socket.on('message', (frame: Buffer, binary) => this.#receive(deps.reads.keep(frame), binary))
    socket.on('error', (error) => log.warn({ err: error }, 'runner.socket-failed'))
  }

  /** Something was committed: there may be work, or a run to stop. Calls during a look are one more look. */
  look(): void {
    if (this.#looking) {
      this.#lookAgain = true
      return
    }
    this.#looking = this.#lookOnce()
      .catch((error: unknown) => this.#giveUp(error))
      .finally(() => {
        this.#looking = null
        if (this.#lookAgain) {
          this.#lookAgain = false
          this.look()
        }
      })
  }

  /** Wait for what was received to be written, and note that the runner is gone. */
  async closed(): Promise<void> {
    await this.#draining
    if (this.#line) this.#deps.guest.went(this.#line)
    await this.#desk
      .leave()
      .catch((error: unknown) => log.warn({ err: error }, 'runner.checks-not-given-back')) // their leases end by the clock
    if (this.#runner === null) return
    // With the database away the row says "connected" a while longer; the runner's next hello sets it right.
    await leave(this.#deps.db, this.#runner).catch((error: unknown) =>
      log.warn({ err: error }, 'runner.leave-failed'),
    )
  }

  /** Stop giving out work; what is under way is heard until the connection closes. */
  dismiss(): void {
    this.#wanted = 0
    this.#socket.close(1001, 'the server goes down; call again')
    setTimeout(() => this.#socket.terminate(), CLOSE_MS).unref()
  }

  /** Another connection speaks for this runner's name now. */
  replaced(): void {
    this.#runner = null
    this.#wanted = 0
    this.#refuse('another runner of this name has connected; give each runner its own TAKT_RUNNER_NAME')
  }

  #receive(frame: Buffer, binary: boolean): void {
    const screen = binary ? decodeTerminal(frame) : null
    if (screen) return this.#line ? this.#deps.guest.shown(this.#line, screen) : this.#refuse(HELLO_FIRST)
    const message = binary ? logReport(frame) : parse(frame)
    if (!message)
      return this.#refuse('a message was not understood; runner and server should be of the same version')
    // Not in the queue of reports: a person waits for it, and the database need not hear of it.
    if ('say' in message && isTerminalWord(message))
      return this.#line ? this.#deps.guest.heard(this.#line, message) : this.#refuse(HELLO_FIRST)
    this.#inbox.push(message)
    this.#draining ??= this.#drain()
      .catch((error: unknown) => this.#giveUp(error))
      .finally(() => (this.#draining = null))
  }

  async #drain(): Promise<void> {
    for (let next = await this.#inbox.next(); next; next = await this.#inbox.next())
      await (Array.isArray(next) ? this.#hear(next) : this.#obey(next))
  }

  async #hear(batch: [Report, ...Report[]]): Promise<void> {
    if (this.#runner === null) return this.#refuse(HELLO_FIRST)
    const writing = hear(this.#deps.db, batch, this.#deps.leaseMs)
    this.#writing = writing.catch(() => undefined) // whoever wrote it is told
    const heard = await writing
    giveBack(batch.flatMap(({ said }) => (said.kind === 'log' ? [said.piece] : [])))
    if ('forget' in heard) return this.#say({ say: 'forget', run: heard.run })
    this.#say({ say: 'heard', run: heard.run, seq: heard.seq })
    this.#deps.hub.added(heard.run)
  }

  async #obey(message: Order): Promise<void> {
    if (message.say === 'hello') return this.#welcome(message)
    if (this.#runner === null) return this.#refuse(HELLO_FIRST)
    switch (message.say) {
      case 'ready':
        this.#wanted = message.slots - (this.#sent - message.taken)
        return this.look()
      case 'standing':
        await noteStanding(this.#deps.db, this.#runner, { life: this.#life, standing: message })
        return this.#say({ say: 'noted', seq: message.events.at(-1)?.seq ?? 0 })
      case 'alive':
        await stay(this.#deps.db, this.#runner, this.#deps.leaseMs)
        for (const run of await renew(this.#deps.db, message.carrying, this.#deps.leaseMs))
          this.#say({ say: 'forget', run })
        return
      case 'checked':
        await this.#desk.hear(message)
        return this.look()
    }
  }

  async #welcome(hello: Hello): Promise<void> {
    if (hello.dialect !== DIALECT) {
      return this.#refuse(
        `this server speaks dialect ${DIALECT}, the runner ${hello.dialect}: install the same version of Takt on both`,
      )
    }
    const { db, leaseMs } = this.#deps
    this.#deps.arrived(hello.name, this)
    const present = await arrive(db, hello, leaseMs)
    this.#runner = present
    this.#life = hello.pool?.life ?? present.connection
    this.#desk.open(hello.checks)
    log.info({ runner: hello.name, engine: hello.engine.kind }, 'runner.arrived')
    this.#line = {
      runner: present.id,
      connection: present.connection,
      say: (order) => this.#say(order),
      send: (screen) => this.#socket.readyState === this.#socket.OPEN && this.#socket.send(screen),
    }
    this.#deps.guest.came(this.#line)
    this.#say({ say: 'welcome', leaseMs })
    const lost = new Set(await renew(db, hello.carrying, leaseMs))
    await loseUncarried(
      db,
      present.id,
      hello.carrying.map(({ run }) => run),
    )
    const kept = hello.carrying.map(({ run }) => run).filter((run) => !lost.has(run))
    for (const run of lost) this.#say({ say: 'forget', run })
    for (const { id, heard_seq } of await heardOf(db, kept))
      this.#say({ say: 'heard', run: id, seq: heard_seq })
    this.look()
  }

  async #lookOnce(): Promise<void> {
    const runner = this.#runner
    if (runner === null || this.#socket.readyState !== this.#socket.OPEN) return
    const { db, leaseMs, opening } = this.#deps
    for (const { id, cancel_reason } of await stopsFor(db, runner.id)) {
      if (!this.#stopped.has(id)) this.#say({ say: 'stop', run: id, reason: cancel_reason ?? '' })
      this.#stopped.add(id)
    }
    await this.#tellWishes(runner)
    await this.#desk.look()
    while (this.#wanted > 0) {
      // Another server may hold the runner's new connection while this one is dead and does not know it yet.
      if (!(await speaks(db, runner))) return this.replaced()
      const token = newSecret()
      const plan = await claimRun(db, { runner: runner.id, token, leaseMs }, opening)
      if (!plan) return
      this.#wanted--
      this.#sent++
      await this.#writing
      this.#say({ say: 'work', lease: token, plan })
    }
  }

  /** Of people who change their minds quickly a runner hears the last word only. */
  async #tellWishes(runner: Present): Promise<void> {
    const wishes = await wishesOf(this.#deps.db, runner)
    const words = JSON.stringify(wishes)
    if (!wishes || words === this.#told) return
    this.#told = words
    this.#say({ say: 'steer', ...wishes })
  }

  #say(message: ServerSays): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message))
  }

  #refuse(reason: string): void {
    this.#say({ say: 'refused', reason })
    this.#socket.close(1008, 'refused')
  }

  /** What was not written will be said again after a redial, so an error costs a connection and no word. */
  #giveUp(error: unknown): void {
    log.error({ err: error }, 'runner.link-failed')
    this.#inbox.clear()
    this.#socket.close(1011, 'the server failed')
  }
}

function parse(frame: Buffer): Order | TerminalWord | Report | null {
  try {
    const text = frame.toString('utf8')
    // What git or an engine said last may hold anything; a NUL would not go into the database, now or after a redial.
    const read = RunnerSays.safeParse(saysNul(text) ? JSON.parse(text, withoutNul) : JSON.parse(text))
    if (!read.success) return null
    if (read.data.say !== 'report') return read.data
    const { run, lease, seq, entry } = read.data
    return { run, lease, seq, cameMs: performance.now(), said: entry }
  } catch {
    return null // not JSON: the runner is told that it was not understood
  }
}

const withoutNul = (_: string, value: unknown) =>
  typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value

function logReport(frame: Buffer): Report | null {
  const read = decodeLog(frame)
  if (!read) return null
  const { run, lease, seq, step, packed } = read.head
  const bytes = Buffer.from(read.bytes.buffer, read.bytes.byteOffset, read.bytes.length)
  const piece = packed ? packedPiece(bytes, packed) : plainPiece(bytes)
  return { run, lease, seq, cameMs: performance.now(), said: { kind: 'log', step, piece } }
}
