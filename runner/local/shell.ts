import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { isFull } from '../docker/disk.ts'
import { EngineError } from '../engine.ts'
import { FedShell } from '../fed-shell.ts'
import type { Log } from '../log.ts'
import { BOOTSTRAP } from '../shell.ts'
import { kill, killMarked, MARK } from './processes.ts'
import { pursue } from './pursue.ts'

type Child = ChildProcessByStdio<Writable, Readable, null>

type Facts = {
  readonly root: string
  /** Where the commands find programs. */
  readonly path: string
  /** In the environment of everything that the shell starts; of this shell only. */
  readonly mark: string
  readonly log: Log
}

/** Nobody's fault who wrote the job. */
const DISK_FULL = 'The disk on which the runner keeps its workspaces is full.'

/** One shell as a process of this machine, in a process group of its own. */
export class LocalShell {
  readonly fed: FedShell
  readonly #child: Child
  readonly #facts: Facts

  private constructor(child: Child, facts: Facts) {
    this.#child = child
    this.#facts = facts
    // When the shell ends, node throws away what it said unless somebody listens; the first step may not read yet.
    child.stdout.on('readable', () => {})
    const ended = gone(child)
    ended.catch(() => {}) // matters only where the stream ends without the shell's last word; the fed shell asks then
    // A shell that was killed leaves subshells behind, which would go on where nobody hears of their end.
    child.once('exit', (_code, name) => name && this.#killAll())
    this.fed = new FedShell({
      input: child.stdin,
      output: child.stdout,
      root: facts.root,
      nonce: randomBytes(16).toString('hex'),
      pursue: (step) => pursue(step, { mark: facts.mark, failed: (error) => this.#left(error) }),
      ended: () => ended,
      abandon: () => {
        this.end()
        this.#killAll()
      },
      cause: async () => {
        if (isFull(facts.root)) throw new EngineError('disk_full', DISK_FULL)
        return null
      },
    })
  }

  static async start(facts: Facts): Promise<LocalShell> {
    const child = spawn('/bin/sh', ['-c', BOOTSTRAP], {
      cwd: join(facts.root, 'work'),
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: environment(facts),
    })
    await new Promise((resolve, reject) =>
      child.once('spawn', resolve).once('error', (error) => reject(notStarted(error))),
    )
    return new LocalShell(child, facts)
  }

  /** Only while the shell lives (or nobody took note of its end) is the number surely still its own. */
  end(): void {
    const { pid, exitCode, signalCode } = this.#child
    if (pid && exitCode === null && signalCode === null) kill(-pid, 'SIGKILL')
  }

  silence(): void {
    this.#child.stdout.destroy()
  }

  #killAll(): void {
    killMarked(this.#facts.mark).catch((error: unknown) => this.#left(error))
  }

  #left(error: unknown): void {
    this.#facts.log.warn({ mark: this.#facts.mark, err: error }, 'processes.left')
  }
}

const environment = ({ root, path, mark }: Facts): NodeJS.ProcessEnv => ({
  PATH: path,
  LANG: 'C.UTF-8',
  // Else bash may take the socket on its stdin for a remote login and read somebody's `.bashrc`.
  SHLVL: '1',
  HOME: join(root, 'home'),
  TMPDIR: join(root, 'tmp'),
  [MARK]: mark,
})

/** Rejects when the shell is gone; what it had to say of its end stands in its stream, before. */
function gone(child: Child): Promise<never> {
  return new Promise((_resolve, reject) =>
    child.once('exit', (code, name) => {
      if (name) reject(new EngineError('shell_killed', `The shell was ended from outside, with ${name}.`))
      else reject(new EngineError('runner_failed', `The shell ended with ${code} before its step did.`))
    }),
  )
}

const notStarted = (error: Error) =>
  new EngineError('engine_unavailable', `The shell could not be started: ${error.message}`, { cause: error })
