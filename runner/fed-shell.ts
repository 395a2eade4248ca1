import type { Writable } from 'node:stream'
import { endingWith } from './ending.ts'
import type { EndSignal } from './ending.ts'
import { EngineError, exited } from './engine.ts'
import type { ExitStatus, Output, Script, Shell, Usage } from './engine.ts'
import { tokens } from './marks.ts'
import type { Token } from './marks.ts'
import { type Counted, Notes } from './notes.ts'
import { GREETING, opening, stepScript, usageScript } from './shell.ts'
import { mayTidy } from './tidying.ts'

/** What the kernel counted since the last failure, and whether the shell itself was asked to end meanwhile. */
export type Clues = Counted & { readonly terminated: boolean }

/** A step that is to be stopped, as its shell knows it. */
export type Stopped = {
  /** The process that waits for the step's subshell, and is to live on. */
  readonly shell: number
  /** The subshell may begin commands in order to tidy up. */
  readonly tidies: boolean
}

/** The stop of one step. Disposed of when the step has ended, or is left. */
export type Pursuit = Disposable & {
  /** SIGTERM goes to all that runs below the shell, but to nobody a second time; SIGKILL to all that is left. */
  send(name: EndSignal): void
}

/** Whether a shell that is gone had begun a step before. */
export type HowFar = { readonly begun: boolean }

/** The two ends of a shell that was started with `BOOTSTRAP`, and what its engine knows of it. */
export type Line = {
  readonly input: Writable
  /** Ends when the shell and everything that holds its output ended. */
  readonly output: AsyncIterable<Uint8Array>
  /** A named pipe that `output` reads, too, as the shell sees it. */
  readonly pipe?: string | null
  /** As the commands see it, the workspace's root. */
  readonly root: string
  /** 32 hex digits, of this shell only. */
  readonly nonce: string
  readonly pursue: (step: Stopped) => Pursuit
  /** How the shell itself ended, asked only when the output stops inside a step. */
  readonly ended: (how: HowFar) => Promise<ExitStatus>
  /** The shell was left in the middle of a step: end it and all that is below. */
  readonly abandon: () => void
  /** Why a step failed, from what the shell says behind it; null where the engine knows nothing. */
  readonly cause: ((clues: Clues) => Promise<ExitStatus['error']>) | null
}

/** A shell that is fed one step after the other over its stdin, and says on its stdout where each begins and ends. */
export class FedShell implements Shell {
  readonly #line: Line
  readonly #stream: AsyncGenerator<Token, void>
  #steps = 0
  #state: 'idle' | 'busy' | 'broken' = 'idle'
  #pid: number | null = null
  /** A signal that was asked for before the shell told its number. */
  #pending: EndSignal | null = null
  #tidies = true
  #pursuit: Pursuit | null = null
  /** What the kernel had counted when the last failure was looked into. */
  #counted: Counted = { oom: 0, pids: 0 }

  constructor(line: Line) {
    this.#line = line
    this.#stream = tokens(line.output, line.nonce)
    // A shell that is gone ends its output too, which says the same.
    line.input.on('error', () => {})
    line.input.write(opening(line.pipe ?? null, line.nonce))
  }

  /** Whether it waits for a step. One that was left in the middle of a step never does again. */
  get usable(): boolean {
    return this.#state === 'idle'
  }

  /** Nobody gets a step into it any more: what it runs in is being ended. */
  retire(): void {
    this.#state = 'broken'
  }

  async *run(script: Script, signal: AbortSignal): AsyncGenerator<Output, ExitStatus> {
    signal.throwIfAborted()
    const step = this.#begin()
    const { root, nonce } = this.#line
    this.#tidies = mayTidy(script.commands)
    this.#line.input.write(stepScript(script, { root, nonce, step }))
    try {
      const kill = (name: EndSignal) => this.#kill(name)
      const again = () => this.#pursuit?.send('SIGTERM')
      return yield* endingWith(this.#listen(step), { signal, kill, again })
    } finally {
      this.#leave()
    }
  }

  /** Ask the kernel what the shell's container took so far; nobody else may use the shell meanwhile. */
  async taken(): Promise<Usage> {
    const step = this.#begin()
    const { root, nonce } = this.#line
    this.#line.input.write(usageScript({ root, nonce, step }))
    const notes = new Notes()
    try {
      for await (const token of this.#until(step)) if (token.kind === 'note') notes.add(token)
      return notes.taken
    } finally {
      this.#leave()
    }
  }

  #begin(): number {
    if (this.#state !== 'idle')
      throw new EngineError('runner_failed', `A step was given to a shell that is ${this.#state}.`)
    this.#state = 'busy'
    this.#pid = null
    return ++this.#steps
  }

  /** A step whose end was not heard leaves the stream in its middle: what comes next would be taken for another's. */
  #leave(): void {
    if (this.#state === 'busy') {
      this.#state = 'broken'
      this.#kill('SIGKILL')
      this.#line.abandon()
    }
    this.#pursuit?.[Symbol.dispose]()
    this.#pursuit = null
  }

  #kill(name: EndSignal): void {
    if (this.#pid === null) this.#pending = name
    else this.#pursue(this.#pid).send(name)
  }

  #pursue(shell: number): Pursuit {
    return (this.#pursuit ??= this.#line.pursue({ shell, tidies: this.#tidies }))
  }

  /** The output and boundaries of one step, up to the mark behind it or the end of the stream. */
  async *#listen(step: number): AsyncGenerator<Output, ExitStatus> {
    const notes = new Notes()
    let open: number | null = null
    for await (const token of this.#until(step)) {
      if (token.kind === 'note') this.#note(token, notes)
      else if (token.kind === 'bytes') {
        if (!notes.take(token.bytes)) yield token
      } else {
        if (open !== null) yield { kind: 'command.ended', command: open, exitCode: token.code }
        if (token.kind === 'end') return await this.#status(token.code, notes)
        yield { kind: 'command.started', command: (open = token.command) }
      }
    }
    this.#state = 'broken'
    const status = await this.#line.ended({ begun: step > 1 || this.#pid !== null })
    if (open !== null) yield { kind: 'command.ended', command: open, exitCode: status.exitCode }
    return status
  }

  /** The tokens of one step, its end included. Leaving it early leaves the stream as it is. */
  async *#until(step: number): AsyncGenerator<Token, void> {
    // Not `for await`: leaving it would close the stream, and the next step needs the rest.
    for (let next = await this.#stream.next(); !next.done; next = await this.#stream.next()) {
      const token = next.value
      if (token.kind !== 'bytes' && token.step === GREETING) continue
      if (token.kind === 'end' && token.step === step) this.#state = 'idle'
      yield token
      if (token.kind === 'end' && token.step === step) return
    }
  }

  #note(token: Extract<Token, { kind: 'note' }>, notes: Notes): void {
    notes.add(token)
    if (token.name !== 'pid') return
    // Said by the step's own subshell: from here on there is somebody to hear a signal.
    this.#pid = token.value
    if (this.#pending) this.#kill(this.#pending)
    this.#pending = null
  }

  async #status(exitCode: number, notes: Notes): Promise<ExitStatus> {
    const status = { ...exited(exitCode), output: notes.output, stateTouched: notes.stateTouched }
    if (exitCode === 0 || !this.#line.cause) return status
    const before = this.#counted
    const { oom, pids } = (this.#counted = notes.counted)
    const { terminated } = notes
    const clues = { oom: oom - before.oom, pids: pids - before.pids, terminated }
    return { ...status, error: await this.#line.cause(clues) }
  }
}
