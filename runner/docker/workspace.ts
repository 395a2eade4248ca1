import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { Plan } from '#pipelines/wire/plan.ts'
import type { Scratch } from '../checkout.ts'
import { EngineError } from '../engine.ts'
import type { OpenOptions, Shell, Usage, Workspace } from '../engine.ts'
import { Box, type BoxFacts } from './box.ts'
import { containerOptions, DIRECTORY } from './container.ts'
import { DEMO_IMAGE } from './demo-image.ts'
import type { House } from './engine.ts'
import { readFiles, writeFiles } from './files.ts'
import { fill } from './fill.ts'
import { ensureNetwork } from './network.ts'
import { isStatus, wordsOf } from './refusal.ts'

/** Start the run's container and fetch its commit at the same time; then fill the one with the other. */
export async function openWorkspace(
  house: House,
  plan: Plan,
  { signal, say, words }: OpenOptions & { words: string },
): Promise<Workspace> {
  const place = new DockerWorkspace(house, plan)
  const half = new AbortController() // the one half has no use without the other
  const both = { signal: AbortSignal.any([signal, half.signal]), say }
  const files = place.scratch()
  const halves = [
    say(`Engine: ${words}\nImage: ${place.image}\n`),
    place.begin(both),
    house.checkouts.materialise(plan.checkout, files.path, both),
  ]
  try {
    await Promise.all(halves)
    await place.fill(files, both.signal)
    return place
  } catch (error) {
    half.abort(error)
    await Promise.allSettled(halves)
    await place[Symbol.asyncDispose]()
    throw error
  }
}

type Opened = {
  readonly box: Box
  /** Of the container. */
  readonly name: string
  /** As whom the image runs; an empty string for root. */
  readonly user: string
  /** Where the engine says it keeps the volume, on its own machine. */
  readonly volume: string | null
}

class DockerWorkspace implements Workspace {
  readonly root = DIRECTORY
  /** The job's own. */
  readonly image: string
  readonly #house: House
  readonly #plan: Plan
  /** Of the volume; containers are named after it. */
  readonly #name: string
  /** The newest container of each image; there is more than one where steps name images of their own. */
  readonly #boxes = new Map<string, Promise<Opened>>()
  readonly #names: string[] = []
  #files: Scratch | null = null
  #removed: Promise<void> | null = null

  constructor(house: House, plan: Plan) {
    this.#house = house
    this.#plan = plan
    this.image = plan.image ?? DEMO_IMAGE
    this.#name = `takt-${plan.run}-${plan.attempt}-${randomBytes(4).toString('hex')}`
  }

  /** The job's first container: the files of one that has ended can still be reached. */
  get #container(): Docker.Container {
    return this.#house.docker.getContainer(this.#name)
  }

  /** A folder of this machine for the files, until they are in the container. */
  scratch(): Scratch {
    return (this.#files = this.#house.checkouts.scratch(this.#plan))
  }

  /** Afterwards the shell of the job's own container waits for its first step. */
  async begin(options: OpenOptions): Promise<void> {
    await this.#open(this.image, options)
  }

  /** Put the run's files where the steps find them. */
  async fill(files: Scratch, signal: AbortSignal): Promise<void> {
    const { user, volume } = await this.#open(this.image, { signal, say: async () => {} })
    const moved = this.#house.filling === 'send' ? null : volume
    await fill(this.#container, { files, user, volume: moved, signal })
  }

  async shell(image: string | null, signal: AbortSignal): Promise<Shell> {
    try {
      const { box } = await this.#open(image ?? this.image, { signal, say: async () => {} })
      return await box.shell(signal)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof EngineError) throw error
      throw new EngineError('engine_unavailable', `Docker gave no shell: ${wordsOf(error)}`, { cause: error })
    }
  }

  async container(image: string | null, signal: AbortSignal): Promise<string | null> {
    const wanted = image ?? this.image
    if (!this.#boxes.has(wanted)) return null
    return (await this.#open(wanted, { signal, say: async () => {} })).name
  }

  /** The container of an image: the one that runs already, else a new one on the same files. */
  async #open(image: string, options: OpenOptions): Promise<Opened> {
    const known = this.#boxes.get(image)
    if (known && !(await known).box.dead) return known
    const opening = this.#start(image, options)
    this.#boxes.set(image, opening)
    opening.catch(() => this.#boxes.delete(image)) // whoever waits for it is told; the next one tries again
    return opening
  }

  async #start(image: string, options: OpenOptions): Promise<Opened> {
    using _turn = await this.#house.starts.enter(options.signal)
    const name = await this.#create(image, options)
    options.signal.throwIfAborted()
    const { log, limits } = this.#house
    const container = this.#house.docker.getContainer(name)
    const box = new Box({ container, root: DIRECTORY, log, cause: causeOf(limits) })
    const [{ Config, Mounts }] = await Promise.all([container.inspect(), box.attach()])
    await this.#launch(container, options.signal)
    const volume = Mounts.find(({ Destination }) => Destination === DIRECTORY)?.Source ?? null
    return { box, name, user: Config.User, volume }
  }

  async #create(image: string, options: OpenOptions): Promise<string> {
    const { docker, images, identity, limits } = this.#house
    const count = this.#names.length
    const name = count === 0 ? this.#name : `${this.#name}-${count}`
    this.#names.push(name)
    const facts = { plan: this.#plan, image, name, volume: this.#name, runner: identity, limits }
    const create = () => docker.createContainer(containerOptions(facts))
    try {
      await create()
    } catch (error) {
      // 404: no such image. 400: no image can have such a name, which the pull says in clearer words.
      if (!isStatus(error, 400, 404)) throw error
      await images.fetch(image, options)
      await create()
    }
    return name
  }

  async #launch(container: Docker.Container, signal: AbortSignal): Promise<void> {
    try {
      await container.start()
    } catch (error) {
      const words = wordsOf(error)
      if (/no such file|executable file not found/.test(words))
        throw new EngineError('image_without_shell', `The image has no /bin/sh: ${words}`)
      if (!isStatus(error, 404)) throw error
      await ensureNetwork(this.#house.docker, signal) // someone removed the network since this runner started
      await container.start()
    }
  }

  async read(path: string, signal: AbortSignal): Promise<Readable | null> {
    return readFiles(this.#container, path, signal)
  }

  async write(path: string, tar: Readable, signal: AbortSignal): Promise<void> {
    await writeFiles(this.#container, path, { tar, signal })
  }

  /** The processor's time of all containers together, the memory of the one that took most. */
  async usage(): Promise<Usage> {
    const opened = await Promise.allSettled(this.#boxes.values())
    const boxes = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value.box] : []))
    const asked = boxes.map(async ({ idleShell }) => idleShell?.taken())
    const taken = (await Promise.all(asked)).flatMap((usage) => usage ?? [])
    return {
      peakMemoryBytes: taken.reduce<number | null>(
        (most, { peakMemoryBytes }) => max(most, peakMemoryBytes),
        null,
      ),
      cpuMs: taken.reduce<number | null>(
        (sum, { cpuMs }) => (cpuMs === null ? sum : (sum ?? 0) + cpuMs),
        null,
      ),
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return (this.#removed ??= this.#remove())
  }

  async #remove(): Promise<void> {
    const { docker, log } = this.#house
    const left = (error: unknown) => {
      if (!isStatus(error, 404)) log.warn({ container: this.#name, reason: wordsOf(error) }, 'container.left')
    }
    const opened = await Promise.allSettled(this.#boxes.values())
    const removals = this.#names.map((name) => docker.getContainer(name).remove({ force: true, v: true }))
    await Promise.all(removals.map((removal) => removal.catch(left)))
    await docker.getVolume(this.#name).remove().catch(left)
    await Promise.resolve(this.#files?.[Symbol.asyncDispose]()).catch(left)
    for (const each of opened) if (each.status === 'fulfilled') each.value.box.hangUp()
  }
}

const causeOf =
  ({ memoryBytes, pids }: House['limits']): BoxFacts['cause'] =>
  (counted) => {
    if (counted.oom > 0)
      return {
        code: 'out_of_memory',
        message: `The run needed more than the ${Math.round(memoryBytes / 2 ** 20)} MiB of memory it has.`,
      }
    if (counted.pids === 0) return null
    return { code: 'pids_exhausted', message: `The run needed more than the ${pids} processes it has.` }
  }

const max = (a: number | null, b: number | null) => (a === null || b === null ? (a ?? b) : Math.max(a, b))
