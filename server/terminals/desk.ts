import type { RunnerId, RunId, TerminalId } from '#pipelines/ids.ts'
import { encodeTerminal, inFrames, TERMINAL_WINDOW_BYTES } from '#pipelines/wire/terminal-frames.ts'
import {
  type HostSays,
  type OpenTerminal,
  type TerminalWord,
  type VisitorSays,
} from '#pipelines/wire/terminal.ts'
import type { Db } from '../db/connect.ts'
import type { Hints } from '../events/listen.ts'
import type { User } from '../http/kit.ts'
import { log } from '../log.ts'
import { Problem } from '../problem.ts'
import type { Guest, RunnerLine } from '../runners/guest.ts'
import { endsAskedOf, forgetOver, type Holding, noteHolding } from './holds.ts'
import { closeForgotten, type Closing, noteClosing, noteOpening, runnerOf } from './queries.ts'

/** The person's end of a terminal. None of it throws; when it is `over`, nothing more is said. */
export type Visitor = {
  say(word: HostSays): void
  show(screen: Uint8Array): void
  over(closing: Closing): void
}

export type Visit = {
  typed(keys: Uint8Array): void
  obey(word: Exclude<VisitorSays, { say: 'open' }>): void
  /** The person has gone. */
  left(reason: string | null): void
}

type Open = {
  readonly id: TerminalId
  readonly line: RunnerLine
  readonly visitor: Visitor
  /** Shown, and not yet dealt with by the person's side. */
  unread: number
  /** Typed, and not yet dealt with by the program. */
  untaken: number
  movedAt: number
}

export type DeskOptions = {
  readonly db: Db
  readonly hints: Hints
  /** A terminal in which nothing moves for so long is closed. */
  readonly idleMs?: number
}

const IDLE_MS = 30 * 60_000
const LOOK_MS = 30_000
/** On one server: each costs a runner a process, and the server its windows. */
const MOST_TERMINALS = 200

/** Where people and runners are put through to each other. It keeps no byte of what they say. */
export class TerminalDesk implements Guest, AsyncDisposable {
  readonly #db: Db
  readonly #idleMs: number
  readonly #lines = new Map<RunnerId, RunnerLine>()
  readonly #open = new Map<number, Open>()
  /** What each runner keeps, so that who keeps nothing costs no question; written down one after the other. */
  readonly #holding = new Map<RunnerId, Holding>()
  #written: Promise<void> = Promise.resolve()
  readonly #off: () => void
  readonly #timer: NodeJS.Timeout

  constructor({ db, hints, idleMs = IDLE_MS }: DeskOptions) {
    this.#db = db
    this.#idleMs = idleMs
    this.#off = hints.on(() => this.#inTurn(() => this.#lookForEnds()))
    this.#timer = setInterval(() => this.#sweep(), Math.min(LOOK_MS, idleMs))
    this.#sweep()
  }

  /**
   * Open a terminal in a run's container.
   *
   * @throws {Problem} `run-not-found`, `no-terminal`, `too-many-terminals`.
   */
  async open(user: User, asked: Omit<OpenTerminal, 'say' | 'terminal'>, visitor: Visitor): Promise<Visit> {
    if (this.#open.size >= MOST_TERMINALS)
      throw new Problem('too-many-terminals', `this server has ${MOST_TERMINALS} open, which is all it takes`)
    const line = this.#lines.get(await runnerOf(this.#db, asked.run))
    if (!line)
      throw new Problem(
        'no-terminal',
        `the runner of run ${asked.run} is not connected to this server; it is away, or speaks to another server of yours`,
      )
    const id = await noteOpening(this.#db, { run: asked.run, user, command: asked.command }, line)
    const open: Open = { id, line, visitor, unread: 0, untaken: 0, movedAt: Date.now() }
    this.#open.set(id, open)
    if (this.#lines.get(line.runner) !== line) this.#close(open, { exitCode: null, reason: LINE_LOST })
    else line.say({ say: 'terminal.open', terminal: id, ...asked })
    return {
      typed: (keys) => this.#typed(open, keys),
      obey: (word) => this.#obey(open, word),
      left: (reason) => this.#leave(open, reason),
    }
  }

  came(line: RunnerLine): void {
    this.#lines.set(line.runner, line)
  }

  went(line: RunnerLine): void {
    if (this.#lines.get(line.runner) === line) this.#lines.delete(line.runner)
    for (const open of this.#open.values())
      if (open.line === line) this.#close(open, { exitCode: null, reason: LINE_LOST })
  }

  heard(line: RunnerLine, word: TerminalWord): void {
    if (word.say === 'holding') {
      this.#holding.set(line.runner, word.runs)
      return this.#inTurn(async () => {
        await noteHolding(this.#db, line.runner, word.runs)
        await this.#lookForEnds()
      })
    }
    const open = this.#of(line, word.terminal)
    if (!open) return // closed on this side already; what was under way comes too late
    switch (word.say) {
      case 'terminal.opened':
        return open.visitor.say({ say: 'opened', terminal: open.id })
      case 'terminal.room':
        open.untaken = Math.max(0, open.untaken - word.bytes)
        return open.visitor.say({ say: 'room', bytes: word.bytes })
      case 'terminal.closed':
        return this.#close(open, word)
    }
  }

  shown(line: RunnerLine, { terminal, content }: { terminal: number; content: Uint8Array }): void {
    const open = this.#of(line, terminal)
    if (!open) return
    open.unread += content.length
    open.movedAt = Date.now()
    if (open.unread > TERMINAL_WINDOW_BYTES) return this.#leave(open, 'the runner sent more than it was let')
    open.visitor.show(content)
  }

  #of(line: RunnerLine, terminal: number): Open | null {
    const open = this.#open.get(terminal)
    return open?.line === line ? open : null
  }

  #typed(open: Open, keys: Uint8Array): void {
    if (!this.#open.has(open.id)) return
    open.untaken += keys.length
    open.movedAt = Date.now()
    if (open.untaken > TERMINAL_WINDOW_BYTES)
      return this.#leave(open, 'more was typed than there was room for')
    for (const part of inFrames(keys)) open.line.send(encodeTerminal(open.id, part))
  }

  #obey(open: Open, word: Parameters<Visit['obey']>[0]): void {
    if (!this.#open.has(open.id)) return
    const terminal = open.id
    if (word.say === 'resize') {
      const { columns, rows } = word
      return open.line.say({ say: 'terminal.resize', terminal, columns, rows })
    }
    const bytes = Math.min(word.bytes, open.unread)
    open.unread -= bytes
    if (bytes > 0) open.line.say({ say: 'terminal.room', terminal, bytes })
  }

  #leave(open: Open, reason: string | null): void {
    if (!this.#open.has(open.id)) return
    open.line.say({ say: 'terminal.close', terminal: open.id })
    this.#close(open, { exitCode: null, reason })
  }

  #close(open: Open, { exitCode, reason }: Closing): void {
    if (!this.#open.delete(open.id)) return
    open.visitor.over({ exitCode, reason })
    // Nobody waits for it; what cannot be written now is closed by a later look at those that are open on paper only.
    this.#inTurn(() => noteClosing(this.#db, open.id, { exitCode, reason }))
  }

  /** Tell runners to let go of what people no longer want kept. Told twice, done once. */
  async #lookForEnds(): Promise<void> {
    const keepers = [...this.#holding].filter(([id, runs]) => runs.length > 0 && this.#lines.has(id))
    if (keepers.length === 0) return
    const ids = keepers.map(([id]) => id)
    for (const { run_id, runner_id } of await endsAskedOf(this.#db, ids)) this.#release(runner_id, run_id)
  }

  #release(runner: RunnerId, run: RunId): void {
    this.#lines.get(runner)?.say({ say: 'release', run })
  }

  #sweep(): void {
    const since = Date.now() - this.#idleMs
    const idle = `nothing moved in it for ${Math.round(this.#idleMs / 60_000)} minutes`
    for (const open of this.#open.values()) if (open.movedAt < since) this.#leave(open, idle)
    this.#inTurn(() => closeForgotten(this.#db))
    this.#inTurn(async () => void (await forgetOver(this.#db)))
  }

  #inTurn(work: () => Promise<void>): void {
    this.#written = this.#written
      .then(work)
      .catch((error: unknown) => log.warn({ err: error }, 'terminals.look-failed')) // looked at again at the next hint or sweep
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#off()
    clearInterval(this.#timer)
    const open = [...this.#open.values()]
    for (const each of open) this.#leave(each, 'the server went down')
    await this.#written
  }
}

const LINE_LOST = 'the connection to the runner was lost'
