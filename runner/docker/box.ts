import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { EngineError, exited } from '../engine.ts'
import type { ExitStatus, Shell } from '../engine.ts'
import { type Clues, FedShell, type HowFar, type Line } from '../fed-shell.ts'
import type { Log } from '../log.ts'
import type { Counted } from '../notes.ts'
import { BOOTSTRAP } from '../shell.ts'
import { orAbort } from '../stop.ts'
import { exitWords } from './exit-words.ts'
import { hijack, type Wire } from './hijack.ts'
import { exitOf, knocks, lifeOf } from './life.ts'
import { makePipe, PIPE } from './pipe.ts'
import { pursue } from './pursue.ts'
import { isAnswer, wordsOf } from './refusal.ts'

/** How long a container may take to end after its shell did. */
const ENDED_MS = 15_000
const KNOWN_MS = 2_000

/** Cannot be begun, and not found. Steps end in subshells: none of them has this container's own shell end so. */
const NO_SHELL: readonly number[] = [126, 127]
/** What the init says of a program that the kernel cannot read, when nothing was ever heard of it. */
const OTHER_FORMAT = 1

export type BoxFacts = {
  readonly docker: Docker
  readonly container: Docker.Container
  /** Where the run's volume is mounted. */
  readonly root: string
  /** As the job names it. */
  readonly image: string
  readonly log: Log
  readonly cause: (counted: Counted) => ExitStatus['error']
}

/** One container of a run: its own shell, and further ones for steps that go on at the same time. */
export class Box {
  readonly #facts: BoxFacts
  #own: FedShell | null = null
  #ownTaken = false
  #wire: Wire | null = null
  #dead = false
  #life: ReturnType<typeof lifeOf> | null = null
  /** Why this runner ended it itself. */
  #fate: ExitStatus['error'] = null

  constructor(facts: BoxFacts) {
    this.#facts = facts
  }

  /** Whether it has ended; its files are still there. */
  get dead(): boolean {
    return this.#dead || this.#life?.ended === true
  }

  /**
   * The one attach of the container's life, before its start, so that not a byte is missed.
   *
   * @param folder  The container's volume on this machine, where no job has run in it yet; else null.
   */
  async attach(folder: string | null): Promise<void> {
    const { container, root } = this.#facts
    const pipe = await makePipe(folder)
    const path = `/containers/${container.id}/attach?stream=1&stdin=1&stdout=1&stderr=1`
    const options = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true }
    this.#wire = await hijack(this.#facts.docker, { path, pipe }, () => container.attach(options))
    this.#own = this.#fed(this.#wire, {
      pipe: pipe && `${root}/${PIPE}`,
      ended: (how) => this.#ended(how),
      abandon: () => void this.#die(),
    })
  }

  /** It was started: notice when it ends, also while no step is in it. */
  watch(): void {
    this.#life = lifeOf(this.#facts.container)
  }

  /** The shell that the container was started with; once it is taken, another one. */
  async shell(signal: AbortSignal): Promise<Shell> {
    if (this.#ownTaken || !this.#own) return this.#another(signal)
    this.#ownTaken = true
    return this.#own
  }

  /** The shell that the container was started with, while nobody uses it. */
  get idleShell(): FedShell | null {
    return this.#own?.usable && !this.dead ? this.#own : null
  }

  async #another(signal: AbortSignal): Promise<Shell> {
    const exec = await this.#facts.container.exec({
      Cmd: ['/bin/sh', '-c', BOOTSTRAP],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      abortSignal: signal,
    })
    const request = { path: `/exec/${exec.id}/start`, body: { Detach: false, Tty: false } }
    const wire = await hijack(this.#facts.docker, request, () => exec.start({ hijack: true, stdin: true }))
    return this.#fed(wire, {
      ended: (how) => this.#execEnded(exec, how),
      abandon: () => wire.input.end(),
    })
  }

  #fed(wire: Wire, ends: Pick<Line, 'ended' | 'abandon' | 'pipe'>): FedShell {
    const fed: FedShell = new FedShell({
      ...wire,
      root: this.#facts.root,
      nonce: randomBytes(16).toString('hex'),
      pursue: (step) => pursue(step, { ...this.#facts, die: () => this.#die() }),
      cause: (clues) => this.#cause(clues, fed),
      ...ends,
    })
    return fed
  }

  /** Who has used up all processes leaves none for the hooks: they get a new container, on the same files. */
  async #cause(clues: Clues, fed: FedShell): Promise<ExitStatus['error']> {
    if (clues.terminated && (await this.#isEnding())) {
      this.#dead = true
      fed.retire()
      throw new EngineError('shell_killed', 'The container was ended from outside, or Docker itself.')
    }
    const cause = this.#facts.cause(clues)
    if (cause?.code !== 'pids_exhausted') return cause
    this.#dead = true
    fed.retire()
    void this.#die()
    return cause
  }

  /**
   * Whether the container is being ended as a whole. An engine that is stopped lets nobody in any more, and then asks its
   * containers to end; commands that ask their own group (`kill 0`) leave both alive.
   */
  async #isEnding(): Promise<boolean> {
    const late = performance.now() + KNOWN_MS
    while (performance.now() < late) {
      if (this.dead || !(await knocks(this.#facts.container))) return true
      await delay(100)
    }
    return false
  }

  /** End it, whatever runs in it, for this reason. */
  async end(fate: NonNullable<ExitStatus['error']>): Promise<void> {
    this.#fate = fate
    await this.#die()
  }

  /**
   * End whatever may still run in it, before another container works on the same files.
   *
   * @throws {EngineError} `engine_unavailable`, where nobody knows whether it has ended.
   */
  async bury(): Promise<void> {
    const unlessAnswered = (error: unknown) => (isAnswer(error) ? undefined : lost(error))
    await this.#facts.container.kill({ signal: 'SIGKILL' }).catch(unlessAnswered) // 404, 409: it has
  }

  async #die(): Promise<void> {
    const { container, log } = this.#facts
    const gone = (error: unknown) => log.debug({ reason: wordsOf(error) }, 'container.gone')
    await container.kill({ signal: 'SIGKILL' }).catch(gone)
  }

  /** The container's own shell is gone without its last word: the memory was full, or somebody ended the container. */
  async #ended({ begun }: HowFar): Promise<ExitStatus> {
    this.#dead = true
    const { exitCode, oom } = await this.#end()
    if (this.#fate) return { ...exited(exitCode), error: this.#fate }
    // The container's init could not begin the shell: the engine had started the init, and was content.
    const { image } = this.#facts
    if (NO_SHELL.includes(exitCode))
      throw new EngineError('image_without_shell', `The image ${image} has no /bin/sh, which steps need.`)
    if (!begun && exitCode === OTHER_FORMAT)
      throw new EngineError(
        'image_not_for_machine',
        `This machine cannot run the /bin/sh of the image ${image}: it is for another processor. Name one for this machine’s, or ask for another machine, as with \`runs_on: { arch: arm64 }\`.`,
      )
    if (oom) return { ...exited(exitCode), error: this.#facts.cause({ oom: 1, pids: 0 }) }
    throw new EngineError(
      'shell_killed',
      `The container was ended from outside, with ${exitWords(exitCode)}.`,
    )
  }

  async #execEnded(exec: Docker.Exec, how: HowFar): Promise<ExitStatus> {
    const { State } = await this.#facts.container.inspect().catch(lost)
    if (!State.Running) return this.#ended(how)
    const { ExitCode, Running } = await endOf(exec).catch(lost)
    if (Running) await this.#cutOff(new Error('its stream broke while a step was in it'))
    throw new EngineError(
      'shell_killed',
      `A shell of the container was ended from outside, with ${exitWords(ExitCode)}.`,
    )
  }

  async #end(): Promise<{ exitCode: number; oom: boolean }> {
    try {
      const exitCode = await orAbort(exitOf(this.#facts.container), AbortSignal.timeout(ENDED_MS))
      const { State } = await this.#facts.container.inspect()
      return { exitCode, oom: State.OOMKilled }
    } catch (error) {
      return this.#cutOff(error)
    }
  }

  /** Nobody hears of what goes on in there any more: it is ended, so that the hooks have the files for themselves. */
  async #cutOff(error: unknown): Promise<never> {
    this.#dead = true
    await this.#die()
    return lost(error)
  }

  hangUp(): void {
    this.#wire?.input.end()
  }
}

/** How an exec ended: the engine knows it a moment later than the stream's end. */
async function endOf(exec: Docker.Exec): Promise<Docker.ExecInspectInfo> {
  const late = performance.now() + KNOWN_MS
  for (;;) {
    const found = await exec.inspect()
    if (!found.Running || performance.now() > late) return found
    await delay(100)
  }
}

function lost(error: unknown): never {
  throw new EngineError('engine_unavailable', `Docker lost the container: ${wordsOf(error)}`, {
    cause: error,
  })
}
