import { createHash } from 'node:crypto'
import { MOST_LETTERS, type RunError, type RunnerSays, type ServerSays } from '#pipelines/wire/runner.ts'
import type { Limits } from '../docker/limits.ts'
import { EngineError } from '../engine.ts'
import { deadline } from '../steps/clocks.ts'
import { Mask } from '../mask.ts'
import { Stop } from '../stop.ts'
import { Turnstile } from '../turnstile.ts'
import { Program } from './program.ts'
import type { Machine } from './program.ts'
import { PROGRAM, questionOf, versionsOf } from './protocol.ts'

export type CheckAsked = Pick<
  Extract<ServerSays, { say: 'check' }>,
  'image' | 'source' | 'hidden' | 'version' | 'timeoutMs'
>
export type CheckOutcome = Extract<RunnerSays, { say: 'checked' }>['outcome']

const LIMITS: Limits = { memoryBytes: 2 ** 30, cpus: 1, pids: 512 }
/** A container that nobody asked for so long is removed; a resource is usually asked every minute. */
const IDLE_MS = 20 * 60_000
/** After so long a container is made anew, whatever is in its `/tmp`. */
const LIFE_MS = 60 * 60_000
/** More containers than this are not kept; the one that was asked longest ago goes first. */
const MOST_KEPT = 16
const LAST_WORDS = 2_000

export type CheckOptions = {
  /** How many checks at once. */
  readonly slots: number
  readonly idleMs?: number
  readonly lifeMs?: number
}

type Kept = {
  /** One check at a time: programs keep state in `/tmp`. */
  readonly turn: Turnstile
  program: Program | null
  madeAt: number
  usedAt: number
  /** How many checks go on or wait. */
  users: number
  idle: NodeJS.Timeout | undefined
}

/**
 * Asks images for the versions of resources, for the server.
 *
 * Each different question (image and source) has a container, which is begun anew for every check and keeps its files in between:
 * images rely on their `/tmp`. Between two checks there is no process of the image, only the one that keeps its network.
 */
export class Checks implements AsyncDisposable {
  readonly #machine: Machine
  readonly #options: Required<CheckOptions>
  readonly #slots: Turnstile
  readonly #kept = new Map<string, Kept>()
  readonly #quit = new AbortController()

  constructor(machine: Machine, options: CheckOptions) {
    this.#machine = machine
    this.#options = { idleMs: IDLE_MS, lifeMs: LIFE_MS, ...options }
    this.#slots = new Turnstile(options.slots)
  }

  /** Never throws: what goes wrong is an answer. */
  async check(asked: CheckAsked): Promise<CheckOutcome> {
    using clock = deadline(asked.timeoutMs, 'check')
    const words = new LastWords()
    try {
      return { versions: await this.#ask(asked, AbortSignal.any([clock.signal, this.#quit.signal]), words) }
    } catch (error) {
      const { code, message } = errorOf(error, words)
      return {
        error: { code, message: new Mask(asked.hidden ?? []).text(message).slice(0, MOST_LETTERS.message) },
      }
    }
  }

  async #ask(
    asked: CheckAsked,
    signal: AbortSignal,
    words: LastWords,
  ): Promise<Extract<CheckOutcome, { versions: unknown }>['versions']> {
    const key = keyOf(asked)
    const kept = this.#enter(key)
    try {
      using _turn = await kept.turn.enter(signal)
      using _slot = await this.#slots.enter(signal)
      const hearing = { signal, hear: async (bytes: Uint8Array) => words.push(bytes) }
      const program = await this.#programOf(kept, asked.image, hearing)
      const { exitCode, stdout } = await program.run(questionOf(asked), hearing)
      if (exitCode !== 0) throw new CheckFailed(`${PROGRAM.check} ended with ${exitCode}`)
      return versionsOf(stdout)
    } catch (error) {
      // Whatever state it is in: the next check begins with a new one. A program that said no has not broken anything.
      if (!(error instanceof CheckFailed)) await this.#drop(kept)
      throw error
    } finally {
      this.#leave(key, kept)
    }
  }

  async #programOf(kept: Kept, image: string, hearing: Parameters<Program['run']>[1]): Promise<Program> {
    const now = performance.now()
    if (kept.program && now - kept.madeAt > this.#options.lifeMs) await this.#drop(kept)
    if (kept.program) return kept.program
    const facts = {
      image,
      argv: [PROGRAM.check],
      env: {},
      name: 'takt-check',
      labels: {},
      who: 'check' as const,
      limits: LIMITS,
    }
    kept.madeAt = now
    return (kept.program = await Program.create(this.#machine, facts, hearing))
  }

  #enter(key: string): Kept {
    let kept = this.#kept.get(key)
    if (!kept) {
      kept = { turn: new Turnstile(1), program: null, madeAt: 0, usedAt: 0, users: 0, idle: undefined }
      this.#kept.set(key, kept)
    }
    clearTimeout(kept.idle)
    kept.users++
    return kept
  }

  #leave(key: string, kept: Kept): void {
    kept.usedAt = performance.now()
    if (--kept.users > 0) return
    kept.idle = setTimeout(() => this.#forget(key, kept), this.#options.idleMs).unref()
    if (!kept.program || this.#quit.signal.aborted) this.#forget(key, kept)
    const idle = [...this.#kept].filter(([, each]) => each.users === 0)
    const [oldest] = idle.toSorted(([, a], [, b]) => a.usedAt - b.usedAt)
    if (oldest && this.#kept.size > MOST_KEPT) this.#forget(...oldest)
  }

  #forget(key: string, kept: Kept): void {
    clearTimeout(kept.idle)
    if (kept.users > 0) return
    this.#kept.delete(key)
    void this.#drop(kept)
  }

  async #drop(kept: Kept): Promise<void> {
    const { program } = kept
    kept.program = null
    await program?.[Symbol.asyncDispose]()
  }

  /** End what goes on, and remove every container. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#quit.abort(new Stop('runner_stopped', 'The runner was stopped.'))
    const all = [...this.#kept.values()]
    all.forEach(({ idle }) => clearTimeout(idle))
    await Promise.all(all.map((kept) => this.#drop(kept)))
  }
}

/** The image's own program said no. */
class CheckFailed extends Error {}

/** The end of what a program said, for who has to find out why it failed. */
class LastWords {
  #bytes = Buffer.alloc(0)
  push(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]).subarray(-4 * LAST_WORDS)
  }
  text(): string {
    return this.#bytes.toString().trim().slice(-LAST_WORDS)
  }
}

function errorOf(error: unknown, words: LastWords): RunError {
  const said = words.text()
  if (error instanceof CheckFailed)
    return { code: 'check_failed', message: said ? `${error.message}: ${said}` : `${error.message}.` }
  if (error instanceof Stop)
    return { code: error.why === 'timeout' ? 'check_timeout' : error.why, message: error.message }
  if (error instanceof EngineError) return { code: error.code, message: told(error, said).slice(0, 4_000) }
  return { code: 'runner_failed', message: `The runner could not check: ${String(error)}`.slice(0, 4_000) }
}

/** A program that ended well and answered badly may have said why. */
const told = ({ code, message }: EngineError, said: string) =>
  code === 'bad_answer' && said ? `${message} It said: ${said}` : message

/** Equal questions have equal keys, in whatever order their names were written. */
function keyOf({ image, source }: CheckAsked): string {
  return createHash('sha256')
    .update(JSON.stringify([image, sorted(source)]))
    .digest('hex')
}

function sorted(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(sorted)
  if (typeof tree !== 'object' || tree === null) return tree
  return Object.entries(tree)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => [key, sorted(value)])
}
