import type { RunId } from '#pipelines/ids.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import { encodeTerminal, inFrames, TERMINAL_WINDOW_BYTES } from '#pipelines/wire/terminal-frames.ts'
import { type OpenTerminal, type TerminalOrder } from '#pipelines/wire/terminal.ts'
import { EngineError, type Workspace } from '../engine.ts'
import type { TerminalLine, Terminals } from '../link.ts'
import type { Log } from '../log.ts'
import { Mask } from '../mask.ts'
import type { Work } from '../work.ts'
import type { Door, Terminal } from './door.ts'

/** So many at once on one runner. */
const MOST_TERMINALS = 20
/** How long a container that has ended may take to begin anew. */
const OPENING_MS = 60_000
/** What may be the beginning of a secret is held back as long as this; then it was none, and a person waits. */
const HELD_BACK_MS = 30

export type Room = {
  readonly plan: Pick<Plan, 'run' | 'env'>
  /** It knows what nobody may see. */
  readonly work: Pick<Work, 'mask'>
  readonly workspace: Pick<Workspace, 'container'>
}

type Open = {
  readonly run: RunId
  readonly terminal: Promise<Terminal>
  /** Shown, and not dealt with yet on the other side. */
  unread: number
  roomForMore: () => void
  /** Keys in the order in which they were typed. */
  typing: Promise<void>
  reason: string | null
  readonly left: AbortController
}

/** The runner's side of terminals: in which workspaces they may be opened, and those that are. */
export class RunnerTerminals implements Terminals {
  readonly #door: Door | null
  readonly #log: Log
  readonly #rooms = new Map<RunId, Room>()
  readonly #open = new Map<number, Open>()
  readonly #looking = new Set<(run: RunId) => void>()
  #line: TerminalLine | null = null
  #release: (run: RunId) => void = () => {}
  #greet: () => void = () => {}

  /** @param door  Null where the engine has no containers to look into. */
  constructor(door: Door | null, log: Log) {
    this.#door = door
    this.#log = log
  }

  /** What is kept after its end: who lets it go, and who says what there is. */
  holder({ release, greet }: { release: (run: RunId) => void; greet: () => void }): void {
    this.#release = release
    this.#greet = greet
  }

  /** Terminals may be opened in a run's workspace, until what is returned is disposed of: then they are all closed. */
  admit(room: Room): Disposable {
    const { run } = room.plan
    this.#rooms.set(run, room)
    return {
      [Symbol.dispose]: () => {
        if (this.#rooms.get(run) !== room) return
        this.#rooms.delete(run)
        for (const open of this.#open.values()) if (open.run === run) leave(open, 'the run has ended')
      },
    }
  }

  /** Whether anybody looks into the run now. */
  isLookedInto(run: RunId): boolean {
    return [...this.#open.values()].some((open) => open.run === run)
  }

  /** Be told of every terminal that is opened or closed. */
  onLook(told: (run: RunId) => void): void {
    this.#looking.add(told)
  }

  say(word: Parameters<TerminalLine['say']>[0]): void {
    this.#line?.say(word)
  }

  connected(line: TerminalLine): void {
    this.#line = line
    this.#greet()
  }

  hungUp(): void {
    this.#line = null
    for (const open of this.#open.values()) leave(open, null)
  }

  typed(number: number, keys: Uint8Array): void {
    const open = this.#open.get(number)
    if (!open) return // closed meanwhile
    open.typing = open.typing.then(async () => {
      const terminal = await open.terminal
      await terminal.type(keys)
      this.say({ say: 'terminal.room', terminal: number, bytes: keys.length })
    })
    open.typing.catch(() => {}) // there is no terminal: `#stay` has said why
  }

  obey(order: TerminalOrder): void {
    if (order.say === 'release') return this.#release(order.run)
    if (order.say === 'terminal.open') return this.#begin(order)
    const open = this.#open.get(order.terminal)
    if (!open) return
    switch (order.say) {
      case 'terminal.close':
        return leave(open, null)
      case 'terminal.resize': {
        const { columns, rows } = order
        // In its turn among the keys: what is typed next finds the new size.
        open.typing = open.typing.then(async () => (await open.terminal).resize({ columns, rows }))
        open.typing.catch(() => {}) // there is no terminal: `#stay` has said why
        return
      }
      case 'terminal.room':
        open.unread = Math.max(0, open.unread - order.bytes)
        return open.roomForMore()
    }
  }

  #begin(order: OpenTerminal): void {
    const number = order.terminal
    if (this.#open.has(number)) return
    const terminal = this.#enter(order)
    const open: Open = {
      ...{ run: order.run, terminal, unread: 0, roomForMore: () => {}, typing: Promise.resolve() },
      ...{ reason: null, left: new AbortController() },
    }
    this.#open.set(number, open)
    for (const told of this.#looking) told(order.run)
    void this.#stay(number, open).finally(() => {
      this.#open.delete(number)
      for (const told of this.#looking) told(order.run)
    })
  }

  async #enter(order: OpenTerminal): Promise<Terminal> {
    const room = this.#rooms.get(order.run)
    if (!room) throw new EngineError('no_terminal', 'The run has no container here, or none any more.')
    if (!this.#door)
      throw new EngineError('terminal_needs_docker', 'This runner has no containers; terminals need Docker.')
    if (this.#open.size >= MOST_TERMINALS)
      throw new EngineError('no_terminal', `${MOST_TERMINALS} terminals are open on this runner already.`)
    const container = (await room.workspace.container?.(order.image, AbortSignal.timeout(OPENING_MS))) ?? null
    if (container === null)
      throw new EngineError(
        'no_terminal',
        order.image === null
          ? 'The run has no container at the moment.'
          : `The run has no container of the image ${order.image}.`,
      )
    return this.#door({ ...order, container, plan: room.plan })
  }

  /** From the opening to the last word. Never throws. */
  async #stay(number: number, open: Open): Promise<void> {
    const closed = { exitCode: null as number | null, reason: null as string | null }
    try {
      await using terminal = await open.terminal
      this.say({ say: 'terminal.opened', terminal: number })
      await this.#show(number, open, terminal)
      if (!open.left.signal.aborted) closed.exitCode = await terminal.exitCode()
      closed.reason = open.reason
    } catch (error) {
      closed.reason = error instanceof EngineError ? error.message : 'The runner could not go on.'
      if (!(error instanceof EngineError)) this.#log.error({ err: error, run: open.run }, 'terminal.broke')
    }
    this.say({ say: 'terminal.closed', terminal: number, ...closed })
  }

  async #show(number: number, open: Open, terminal: Terminal): Promise<void> {
    const send = async (bytes: Uint8Array) => {
      for (const part of inFrames(bytes)) {
        while (open.unread + part.length > TERMINAL_WINDOW_BYTES && !open.left.signal.aborted)
          await new Promise<void>((resolve) => (open.roomForMore = resolve))
        if (open.left.signal.aborted) return
        open.unread += part.length
        this.#line?.send(encodeTerminal(number, part))
      }
    }
    const mask = this.#rooms.get(open.run)?.work.mask() ?? new Mask([])
    const screen = terminal.screen[Symbol.asyncIterator]()
    const left = new Promise<void>((resolve) =>
      open.left.signal.addEventListener('abort', () => (open.roomForMore(), resolve()), { once: true }),
    )
    let next = screen.next()
    while (!open.left.signal.aborted) {
      const quiet = after(HELD_BACK_MS)
      const came = await Promise.race([next, quiet.passed, left])
      quiet[Symbol.dispose]()
      if (came === undefined) {
        await send(mask.end())
        await Promise.race([next, left])
        continue
      }
      if (came.done) break
      await send(mask.push(came.value))
      next = screen.next()
    }
    await send(mask.end())
  }
}

function leave(open: Open, reason: string | null): void {
  open.reason ??= reason
  open.left.abort()
}

function after(ms: number): Disposable & { readonly passed: Promise<undefined> } {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), ms)
  return { passed: promise, [Symbol.dispose]: () => clearTimeout(timer) }
}
