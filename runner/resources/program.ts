import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { z } from 'zod'
import type { RanImage } from '#pipelines/wire/images.ts'
import { createContainer } from '../docker/door.ts'
import { frames } from '../docker/frames.ts'
import type { Holder } from '../docker/holder.ts'
import { workConfig } from '../docker/host-config.ts'
import type { House } from '../docker/house.ts'
import { labelsOf } from '../docker/labels.ts'
import { exitOf } from '../docker/life.ts'
import { clamped } from '../docker/limits.ts'
import type { Limits } from '../docker/limits.ts'
import { sending } from '../docker/pack.ts'
import { isStatus, wordsOf } from '../docker/refusal.ts'
import { endingWith } from '../ending.ts'
import { EngineError, exited } from '../engine.ts'
import type { ExitStatus, Output } from '../engine.ts'
import { DiskBound } from './disk-bound.ts'

/** The Docker engine that programs of resources run on. */
export type Machine = Pick<
  House,
  'docker' | 'images' | 'log' | 'holders' | 'remains' | 'runtime' | 'maker' | 'maxima' | 'weights' | 'builds'
>

export type ProgramFacts = {
  readonly image: string
  /** The program's path and what stands behind it. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The container's name begins so. */
  readonly name: string
  /** Which run's it is, where it is one's. */
  readonly labels: Readonly<Record<string, string>>
  readonly who: 'run' | 'check'
  readonly limits: Limits
}

export type Hearing = {
  readonly signal: AbortSignal
  /** What the program says on stderr; it is made to wait until this resolves. */
  readonly hear: (bytes: Uint8Array) => Promise<void>
  /** Whose container it is wants to know what it really runs. */
  readonly ran?: (image: RanImage) => void
}

/** An answer is read whole before it is looked at; no more of it than this. */
const MOST_ANSWER_BYTES = 16 * 2 ** 20
/** As a shell says it of a program that it cannot begin. */
const NOT_BEGUN: readonly number[] = [126, 127]
const EXECUTABLE = 0o111
const GO_FOLDER = 2 ** 31
/** What the engine tells of a path stands in a head of its answer, as JSON in base64. */
const Stat = z.object({
  headers: z.object({
    'x-docker-container-path-stat': z
      .string()
      .transform((text): unknown => JSON.parse(Buffer.from(text, 'base64').toString()))
      .pipe(z.object({ mode: z.number() })),
  }),
})

/**
 * One program of an image in a container of its own, hardened like a job's, with no volume but its own files.
 *
 * It may be run more than once: the container's files, `/tmp` among them, last as long as the container does. In between no
 * process of it is there. Nothing that an author wrote is in its arguments, its environment or an inspection: that goes over stdin.
 */
export class Program implements AsyncDisposable {
  readonly #machine: Machine
  readonly #facts: ProgramFacts
  readonly #holder: Holder
  readonly #name: string
  #removed: Promise<void> | null = null

  private constructor(machine: Machine, facts: ProgramFacts, holder: Holder) {
    this.#machine = machine
    this.#facts = facts
    this.#holder = holder
    this.#name = `${facts.name}-${randomBytes(4).toString('hex')}`
  }

  /**
   * The container, made and not begun.
   *
   * @throws {EngineError} `image_pull_failed`, `engine_unavailable`.
   */
  static async create(machine: Machine, facts: ProgramFacts, hearing: Hearing): Promise<Program> {
    const { signal } = hearing
    const holder = await machine.holders.take(signal).catch((error: unknown) => {
      throw asFailure(error, signal)
    })
    const program = new Program(machine, facts, holder)
    try {
      await program.#create(hearing)
      signal.throwIfAborted()
      return program
    } catch (error) {
      await program[Symbol.asyncDispose]()
      throw asFailure(error, signal)
    }
  }

  get #container(): Docker.Container {
    return this.#machine.docker.getContainer(this.#name)
  }

  async #create({ signal, hear, ran }: Hearing): Promise<void> {
    const { images } = this.#machine
    const { image } = this.#facts
    try {
      await this.#ask()
    } catch (error) {
      // 404: no such image. 400: no image can have such a name, which the pull says in clearer words.
      if (!isStatus(error, 400, 404)) throw error
      await images.fetch(image, { signal, say: (text) => hear(Buffer.from(text)) })
      await this.#ask()
    }
    ran?.(await images.ranAs(image, (await this.#container.inspect()).Image))
  }

  async #ask(): Promise<void> {
    const { docker, runtime, maker, maxima } = this.#machine
    const { image, argv, env, labels } = this.#facts
    const limits = clamped(this.#facts.limits, maxima)
    const facts = { limits, runtime, holder: this.#holder.id, volume: null, privileged: false }
    const { purpose, config } = workConfig(facts)
    await createContainer(docker, purpose, {
      name: this.#name,
      Image: image,
      Entrypoint: [...argv],
      Cmd: [],
      WorkingDir: '/',
      Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
      Labels: { ...labels, ...labelsOf(maker, 'resource') },
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      OpenStdin: true,
      StdinOnce: true,
      Tty: false,
      HostConfig: config,
    })
  }

  /** Unpack a tar stream below `/`. */
  async write(tar: Readable, signal: AbortSignal): Promise<void> {
    await sending(tar, signal, (abortSignal) =>
      this.#container.putArchive(tar, { path: '/', abortSignal }),
    ).catch((error: unknown) => {
      throw asFailure(error, signal)
    })
  }

  /** The files at `path` as a tar stream whose first entry is named like the path's last part. */
  async read(path: string, signal: AbortSignal): Promise<NodeJS.ReadableStream> {
    return this.#container.getArchive({ path, abortSignal: signal }).catch((error: unknown) => {
      throw asFailure(error, signal)
    })
  }

  /**
   * Run the program with `input` on its stdin, to its end.
   *
   * @param hearing.signal  On abort: SIGTERM, after the reason's grace SIGKILL, and the reason is thrown.
   * @throws {EngineError} When there is no such program, it wrote too much, or the engine could not go on.
   */
  async run(input: string, { signal, hear }: Hearing): Promise<{ exitCode: number; stdout: string }> {
    try {
      signal.throwIfAborted()
      using disk = await this.#diskBound()
      const stream = await this.#begin()
      stream.end(input)
      const answer = new Answer()
      const output = endingWith(this.#output(stream, answer), { signal, kill: (name) => this.#kill(name) })
      let next = await output.next()
      for (; !next.done; next = await output.next())
        if (next.value.kind === 'bytes') await hear(next.value.bytes).catch(unlessAborted(signal))
      const { exitCode } = next.value
      await disk.judge(exitCode)
      if (NOT_BEGUN.includes(exitCode)) await this.#expectProgram()
      return { exitCode, stdout: answer.text() }
    } catch (error) {
      throw asFailure(error, signal)
    }
  }

  #diskBound(): Promise<DiskBound> {
    return DiskBound.watch({ machine: this.#machine, container: this.#container, who: this.#facts.who })
  }

  async #begin(): Promise<NodeJS.ReadWriteStream> {
    const how = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true }
    const stream = await this.#container.attach(how)
    // A read error reaches the reader anyway; a program that ends before it read everything is no failure.
    stream.on('error', () => {})
    await this.#container.start()
    return stream
  }

  async *#output(stream: NodeJS.ReadWriteStream, answer: Answer): AsyncGenerator<Output, ExitStatus> {
    for await (const piece of frames(asBuffers(stream))) {
      if (piece.stream === 'stderr') yield { kind: 'bytes', bytes: piece.bytes }
      else answer.push(piece.bytes)
    }
    return exited(await exitOf(this.#container))
  }

  /** Whether a folder stands at `path`, and not a link to one. */
  async holdsFolder(path: string): Promise<boolean> {
    return ((await this.#modeOf(path)) & GO_FOLDER) !== 0
  }

  /** @throws {EngineError} `resource_program_missing`, where the container has no such executable file. */
  async #expectProgram(): Promise<void> {
    const [path = ''] = this.#facts.argv
    const { image } = this.#facts
    if (((await this.#modeOf(path)) & EXECUTABLE) !== 0) return
    throw new EngineError('resource_program_missing', `The image ${image} has no executable ${path}.`)
  }

  /** The mode of what stands at `path` as Go counts it, the rights in the last nine bits; 0 where nothing stands. */
  async #modeOf(path: string): Promise<number> {
    try {
      const found = Stat.parse(await this.#container.infoArchive({ path }))
      return found.headers['x-docker-container-path-stat'].mode
    } catch (error) {
      if (isStatus(error, 404)) return 0
      throw error
    }
  }

  #kill(signal: string): void {
    const { log } = this.#machine
    const gone = (error: unknown) =>
      log.debug({ container: this.#name, reason: wordsOf(error) }, 'container.gone')
    this.#container.kill({ signal }).catch(gone)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return (this.#removed ??= this.#remove())
  }

  async #remove(): Promise<void> {
    await this.#machine.remains.container(this.#name)
    await this.#holder[Symbol.asyncDispose]()
  }
}

/** What a program says on stdout, up to a limit: it is our memory. */
class Answer {
  readonly #pieces: Uint8Array[] = []
  #bytes = 0

  push(bytes: Uint8Array): void {
    this.#bytes += bytes.length
    if (this.#bytes > MOST_ANSWER_BYTES)
      throw new EngineError(
        'bad_answer',
        `A program of the resource wrote more than ${MOST_ANSWER_BYTES / 2 ** 20} MiB to stdout, where one JSON value belongs.`,
      )
    this.#pieces.push(bytes)
  }

  text(): string {
    return Buffer.concat(this.#pieces).toString()
  }
}

const unlessAborted = (signal: AbortSignal) => (error: unknown) => {
  if (!signal.aborted) throw error // else: the program has its grace, and nobody listens any more
}

/** The abort's own reason, our own words, or the engine's. */
function asFailure(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof EngineError) return error
  return new EngineError(
    'engine_unavailable',
    `Docker could not run a program of the resource: ${wordsOf(error)}`,
    { cause: error },
  )
}

async function* asBuffers(stream: NodeJS.ReadableStream): AsyncGenerator<Buffer, void> {
  for await (const chunk of stream) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk)
}
