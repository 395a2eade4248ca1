import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { Plan } from '#pipelines/wire/plan.ts'
import { WORK } from '../checkout.ts'
import { endingWith } from '../ending.ts'
import type { EndSignal } from '../ending.ts'
import { EngineError } from '../engine.ts'
import type { ExitStatus, OpenOptions, Output, Shell as StepShell, Usage, Workspace } from '../engine.ts'
import { tokens } from '../marks.ts'
import { Session } from '../session.ts'
import { BOOTSTRAP, runSteps, script } from '../shell.ts'
import type { LocalOptions } from './engine.ts'
import { kill, killMarked, MARK } from './processes.ts'

/** The file that says which runner made the folder. */
export const OWNER = 'owner'

type Shell = ChildProcessByStdio<Writable, Readable, null>

export async function openWorkspace(
  options: LocalOptions,
  plan: Plan,
  { signal, say }: OpenOptions,
): Promise<Workspace> {
  const place = new LocalWorkspace(options, plan)
  try {
    await place.make()
    await options.checkouts.materialise(plan.checkout, place.work, { signal, say })
    await place.start()
    signal.throwIfAborted()
    return place
  } catch (error) {
    await place[Symbol.asyncDispose]()
    throw error
  }
}

class LocalWorkspace implements Workspace {
  readonly #options: LocalOptions
  readonly #plan: Plan
  readonly #folder: string
  /** `:` ends it, so that the mark of run 1 is not the beginning of run 10's. */
  readonly #mark: string
  #shell: Shell | null = null
  #session: Session | null = null
  #removed: Promise<void> | null = null

  constructor(options: LocalOptions, plan: Plan) {
    const name = `${plan.run}-${plan.attempt}`
    this.#options = options
    this.#plan = plan
    this.#folder = join(options.folder, 'runs', name)
    this.#mark = `${options.identity}:${name}:`
  }

  get root(): string {
    return this.#folder
  }

  get work(): string {
    return join(this.#folder, WORK)
  }

  async make(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
    for (const folder of [WORK, 'home', 'tmp']) await mkdir(join(this.#folder, folder), { recursive: true })
    await writeFile(join(this.#folder, OWNER), this.#options.identity)
  }

  async start(): Promise<void> {
    const nonce = randomBytes(16).toString('hex')
    const shell = spawn('/bin/sh', ['-c', BOOTSTRAP], {
      cwd: this.work,
      detached: true, // a process group of its own, which can be ended as a whole
      stdio: ['pipe', 'pipe', 'ignore'],
      env: this.#env(),
    })
    await new Promise((resolve, reject) =>
      shell.once('spawn', resolve).once('error', (error) => reject(notStarted(error))),
    )
    this.#shell = shell
    // A shell that is gone before it read its script ends its output too, which says the same.
    shell.stdin.on('error', () => {})
    // When the shell ends, node throws away what it said unless somebody listens; the first step may not read yet.
    shell.stdout.on('readable', () => {})
    const silent = gone(shell)
    silent.catch(() => {}) // matters only where the stream ends without the shell's last word; the session asks then
    // A shell that was killed leaves subshells behind, which would go on where nobody hears of their end.
    shell.once('exit', (_code, name) => name && this.#kill('SIGKILL'))
    this.#session = new Session(tokens(shell.stdout, nonce), () => silent)
    const steps = runSteps(this.#plan)
    const { env } = this.#plan
    shell.stdin.end(script({ steps, env, directory: this.work, nonce }))
  }

  #env(): NodeJS.ProcessEnv {
    return {
      PATH: this.#options.path,
      LANG: 'C.UTF-8',
      // Else bash takes the socket on its stdin for a remote login and reads somebody's `.bashrc`.
      SHLVL: '1',
      HOME: join(this.#folder, 'home'),
      TMPDIR: join(this.#folder, 'tmp'),
      [MARK]: this.#mark,
    }
  }

  /** Until shells are fed step by step: the plan's steps, in their order. */
  async shell(): Promise<StepShell> {
    let index = 0
    return { run: (_script, signal) => this.run(index++, signal) }
  }

  async read(): Promise<null> {
    throw new EngineError('not_carried_out', 'This engine reads no files yet.')
  }

  async write(): Promise<void> {
    throw new EngineError('not_carried_out', 'This engine writes no files yet.')
  }

  async usage(): Promise<Usage> {
    return { peakMemoryBytes: null, cpuMs: null }
  }

  async *run(index: number, signal: AbortSignal): AsyncGenerator<Output, ExitStatus> {
    if (!this.#session)
      throw new EngineError('runner_failed', 'A step was run in a workspace that is not open.')
    return yield* endingWith(this.#session.step(index), { signal, kill: (name) => this.#kill(name) })
  }

  #kill(name: EndSignal): void {
    const pid = this.#shell?.pid
    if (pid) kill(-pid, name)
    if (name === 'SIGTERM') return
    const { log } = this.#options
    killMarked(this.#mark).catch((error: unknown) =>
      log.warn({ run: this.#plan.run, error }, 'processes.left'),
    )
  }

  [Symbol.asyncDispose](): Promise<void> {
    return (this.#removed ??= this.#remove())
  }

  async #remove(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#shell ?? {}
    // Only while the shell lives (or nobody took note of its end) is the number surely still its own.
    if (pid && exitCode === null && signalCode === null) kill(-pid, 'SIGKILL')
    try {
      await killMarked(this.#mark)
      await rm(this.#folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 })
    } catch (error) {
      this.#options.log.warn({ run: this.#plan.run, error }, 'workspace.left')
    } finally {
      this.#shell?.stdout.destroy()
    }
  }
}

/** Rejects when the shell is gone; what it had to say of its end stands in its stream, before. */
function gone(shell: Shell): Promise<never> {
  return new Promise((_resolve, reject) =>
    shell.once('exit', (code, name) => {
      if (name) reject(new EngineError('shell_killed', `The shell was ended from outside, with ${name}.`))
      else reject(new EngineError('runner_failed', `The shell ended with ${code} before its script did.`))
    }),
  )
}

const notStarted = (error: Error) =>
  new EngineError('engine_unavailable', `The shell could not be started: ${error.message}`, { cause: error })
