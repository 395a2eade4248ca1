import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import type { Plan } from '#pipelines/wire/plan.ts'
import type { Scratch } from '../checkout.ts'
import { EngineError, exited } from '../engine.ts'
import type { ExitStatus, OpenOptions, Output, Shell, Usage, Workspace } from '../engine.ts'
import { endingWith } from '../ending.ts'
import type { EndSignal } from '../ending.ts'
import { tokens } from '../marks.ts'
import { Session } from '../session.ts'
import { runSteps, script } from '../shell.ts'
import { orAbort } from '../stop.ts'
import { containerOptions, DIRECTORY } from './container.ts'
import { DEMO_IMAGE } from './demo-image.ts'
import { demux } from './demux.ts'
import type { House } from './engine.ts'
import { fill } from './fill.ts'
import { ensureNetwork } from './network.ts'
import { isStatus, wordsOf } from './refusal.ts'

/** 128 + SIGKILL, as the kernel does it when the memory is full, and 128 + SIGTERM, as an engine does it that shuts down. */
const ENDED_BY_SIGNAL: readonly number[] = [137, 143]
/** How long a container may take to end after its shell did. */
const ENDED_MS = 15_000

/** Start the run's container and fetch its commit at the same time; then fill the one with the other and hand over the script. */
export async function openWorkspace(
  house: House,
  plan: Plan,
  { signal, say, words }: OpenOptions & { words: string },
): Promise<Workspace> {
  const place = new DockerWorkspace(house, plan)
  const half = new AbortController() // the one half has no use without the other
  const both = { signal: AbortSignal.any([signal, half.signal]), say }
  const image = plan.image ?? DEMO_IMAGE
  const files = place.scratch()
  const halves = [
    say(`Engine: ${words}\nImage: ${image}\n`),
    place.start(image, both),
    house.checkouts.materialise(plan.checkout, files.path, both),
  ]
  try {
    await Promise.all(halves)
    await place.begin(files, both.signal)
    return place
  } catch (error) {
    half.abort(error)
    await Promise.allSettled(halves)
    await place[Symbol.asyncDispose]()
    throw error
  }
}

class DockerWorkspace implements Workspace {
  readonly root = '/'
  readonly nonce = randomBytes(16).toString('hex')
  readonly #house: House
  readonly #plan: Plan
  readonly #name: string
  #session: Session | null = null
  #stream: NodeJS.ReadWriteStream | null = null
  #user = ''
  #volume: string | null = null
  #files: Scratch | null = null
  #removed: Promise<void> | null = null

  constructor(house: House, plan: Plan) {
    this.#house = house
    this.#plan = plan
    this.#name = `takt-${plan.run}-${plan.attempt}-${randomBytes(4).toString('hex')}`
  }

  /** A folder of this machine for the files, until they are in the container. */
  scratch(): Scratch {
    return (this.#files = this.#house.checkouts.scratch(this.#plan))
  }

  get container(): Docker.Container {
    return this.#house.docker.getContainer(this.#name)
  }

  /** Afterwards the container's shell waits for its script. */
  async start(image: string, options: OpenOptions): Promise<void> {
    using _turn = await this.#house.starts.enter(options.signal)
    await this.#create(image, options)
    options.signal.throwIfAborted()
    await Promise.all([this.#attach(), this.#look()])
    await this.#launch(options.signal)
  }

  /** The one attach of the container's life, before its start, so that not a byte is missed. */
  async #attach(): Promise<void> {
    const stream = await this.container.attach({
      stream: true,
      stdin: true,
      stdout: true,
      stderr: true,
      hijack: true,
    })
    // A read error reaches the reader anyway; a write to a container that is gone ends its stream, which says the same.
    stream.on('error', () => {})
    this.#stream = stream
    this.#session = new Session(tokens(demux(asBuffers(stream)), this.nonce), () => this.#silent())
  }

  async #look(): Promise<void> {
    const { Config, Mounts } = await this.container.inspect()
    this.#user = Config.User
    const moved = this.#house.filling !== 'send'
    this.#volume = (moved && Mounts.find(({ Destination }) => Destination === DIRECTORY)?.Source) || null
  }

  async #create(image: string, options: OpenOptions): Promise<void> {
    const { docker, images, identity, limits } = this.#house
    const create = () =>
      docker.createContainer(
        containerOptions({ plan: this.#plan, image, name: this.#name, runner: identity, limits }),
      )
    try {
      await create()
    } catch (error) {
      // 404: no such image. 400: no image can have such a name, which the pull says in clearer words.
      if (!isStatus(error, 400, 404)) throw error
      await images.fetch(image, options)
      await create()
    }
  }

  async #launch(signal: AbortSignal): Promise<void> {
    try {
      await this.container.start()
    } catch (error) {
      const words = wordsOf(error)
      if (/no such file|executable file not found/.test(words))
        throw new EngineError('image_without_shell', `The image has no /bin/sh: ${words}`)
      if (!isStatus(error, 404)) throw error
      await ensureNetwork(this.#house.docker, signal) // someone removed the network since this runner started
      await this.container.start()
    }
  }

  /** Hand the shell its script, once the files it works on are there. */
  async begin(files: Scratch, signal: AbortSignal): Promise<void> {
    const steps = runSteps(this.#plan)
    const { env } = this.#plan
    await fill(this.container, { files, user: this.#user, volume: this.#volume, signal })
    this.#stream?.end(script({ steps, env, directory: DIRECTORY, nonce: this.nonce }))
  }

  /** Until shells are fed step by step: the plan's steps, in their order. */
  async shell(): Promise<Shell> {
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
    const kill = (name: EndSignal) => this.#kill(name)
    const status = yield* endingWith(this.#session.step(index), { signal, kill })
    if (!ENDED_BY_SIGNAL.includes(status.exitCode)) return status
    const { oom } = await this.#end()
    return oom ? { ...status, error: outOfMemory(this.#house.limits.memoryBytes) } : status
  }

  /** The shell is gone without its last word: the memory was full, or somebody ended the container. */
  async #silent(): Promise<ExitStatus> {
    const { exitCode, oom } = await this.#end()
    if (oom) return { ...exited(exitCode), error: outOfMemory(this.#house.limits.memoryBytes) }
    throw new EngineError('shell_killed', `The container was ended from outside, with ${exitCode}.`)
  }

  /** How the container ended; asked only when it ends by itself. */
  async #end(): Promise<{ exitCode: number; oom: boolean }> {
    try {
      const { StatusCode } = await orAbort(this.container.wait(), AbortSignal.timeout(ENDED_MS))
      const { State } = await this.container.inspect()
      return { exitCode: StatusCode, oom: State.OOMKilled }
    } catch (error) {
      throw new EngineError('engine_unavailable', `Docker lost the container: ${wordsOf(error)}`, {
        cause: error,
      })
    }
  }

  #kill(signal: EndSignal): void {
    const { log } = this.#house
    const gone = (error: unknown) =>
      log.debug({ container: this.#name, reason: wordsOf(error) }, 'container.gone')
    this.container.kill({ signal }).catch(gone)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return (this.#removed ??= this.#remove())
  }

  async #remove(): Promise<void> {
    const { docker, log } = this.#house
    const left = (error: unknown) => {
      if (!isStatus(error, 404)) log.warn({ container: this.#name, reason: wordsOf(error) }, 'container.left')
    }
    await this.container.remove({ force: true, v: true }).catch(left)
    await docker.getVolume(this.#name).remove().catch(left)
    await Promise.resolve(this.#files?.[Symbol.asyncDispose]()).catch(left)
    this.#stream?.end()
  }
}

async function* asBuffers(stream: NodeJS.ReadableStream): AsyncGenerator<Buffer, void> {
  for await (const chunk of stream) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk)
}

const outOfMemory = (bytes: number) => ({
  code: 'out_of_memory',
  message: `The run needed more than the ${Math.round(bytes / 2 ** 20)} MiB of memory it has.`,
})
