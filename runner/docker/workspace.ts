import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Plan } from '#pipelines/wire/plan.ts'
import type { Scratch } from '../checkout.ts'
import { EngineError } from '../engine.ts'
import type { OpenOptions, Shell, Usage, Workspace } from '../engine.ts'
import { diskFull } from './causes.ts'
import { type Cell, type EmptyCell, type Home, startCell } from './cell.ts'
import { DIRECTORY } from './container.ts'
import { DEMO_IMAGE } from './demo-image.ts'
import { watchDisk, type Written } from './disk.ts'
import { readFiles, restoreFiles, writeFiles } from './files.ts'
import { fill } from './fill.ts'
import type { Holder } from './holder.ts'
import type { House } from './house.ts'
import { LABEL, labelsOf } from './labels.ts'
import { clamped, type Limits, limitsInWords } from './limits.ts'
import { type RunNetwork, takeNetwork } from './networks.ts'
import { onceBack } from './once-back.ts'
import { mayBePrivileged, powersInWords } from './privileged.ts'
import { wordsOf } from './refusal.ts'
import { Services } from './services.ts'
import { usageOf } from './usage.ts'

/** Start the run's container and its services and fetch its commit at the same time; then fill the one with the other. */
export async function openWorkspace(
  house: House,
  plan: Plan,
  { words, ...options }: OpenOptions & { words: string },
): Promise<Workspace> {
  using _waiting = house.calm.busy()
  const place = new DockerWorkspace(house, plan)
  const half = new AbortController() // no part has any use without the others
  const all = { ...options, signal: AbortSignal.any([options.signal, half.signal]) }
  const files = place.scratch()
  const parts = [
    options.say(`Engine: ${words}\nImage: ${place.image}\n${limitsInWords(plan.limits, place.limits)}`),
    place.begin(all),
    house.checkouts.materialise(plan, files.path, all),
  ]
  try {
    await Promise.all(parts)
    await place.fill(files, all.signal)
    return place
  } catch (error) {
    half.abort(error)
    await Promise.allSettled(parts)
    await place[Symbol.asyncDispose]()
    throw error
  }
}

class DockerWorkspace implements Workspace {
  readonly root = DIRECTORY
  /** The job's own. */
  readonly image: string
  readonly limits: Limits
  /** Who is told that a step's image is being pulled, and what was run of it. */
  #told: Pick<OpenOptions, 'say' | 'ran'> = { say: async () => {} }
  readonly #house: House
  readonly #plan: Plan
  /** Its containers' names begin so. */
  readonly #name: string
  #home: Promise<Home> | null = null
  /** All that it had: one that has ended lets nobody in, and another one takes its place. */
  readonly #holders: Holder[] = []
  #volume: string | null = null
  /** The run's own; null where it is on the one that all runs share. */
  #network: string | null = null
  #services: Services | null = null
  /** The newest container of each image; there is more than one where steps name images of their own. */
  readonly #cells = new Map<string, Promise<Cell>>()
  /** All that were made, those that have ended too. */
  readonly #made: Cell[] = []
  #files: Scratch | null = null
  #disk: Disposable | null = null
  #removed: Promise<void> | null = null

  constructor(house: House, plan: Plan) {
    this.#house = house
    this.#plan = plan
    this.image = plan.image ?? DEMO_IMAGE
    this.limits = clamped(plan.limits, house.maxima)
    this.#name = `takt-${plan.run}-${plan.attempt}-${randomBytes(4).toString('hex')}`
  }

  /** The job's first container: the files of one that has ended can still be reached. */
  get #first(): Cell {
    const [first] = this.#made
    if (!first) throw new EngineError('runner_failed', 'Files were asked for before the run has a container.')
    return first
  }

  /** A folder of this machine for the files, until they are in the container. */
  scratch(): Scratch {
    return (this.#files = this.#house.checkouts.scratch(this.#plan))
  }

  /** Afterwards all services are healthy, and the shell of the job's own container waits for its first step. */
  async begin(options: OpenOptions): Promise<void> {
    this.#told = options
    const { networks, network: how } = this.#house
    if (this.#plan.services.length === 0) return void (await this.#open(this.image, options))
    const network = await takeNetwork(networks, how)
    this.#services = new Services(this.#servicesOn(network))
    options.signal.throwIfAborted()
    this.#network = network.name
    this.#homeNow(options.signal).catch(() => {}) // whoever waits for it is told
    await Promise.all([this.#open(this.image, options), this.#services.start(options)])
  }

  #servicesOn(network: RunNetwork): ConstructorParameters<typeof Services>[0] {
    const { limits } = this
    return { ...this.#house, limits, network, plan: this.#plan, name: this.#name }
  }

  /** Put the run's files where the steps find them. */
  async fill(files: Scratch, signal: AbortSignal): Promise<void> {
    const { user, folder } = await this.#open(this.image, { signal, say: async () => {} })
    const moved = this.#house.filling === 'send' ? null : folder
    await fill(this.#first.container, { files, user, volume: moved, signal })
    this.#watchDisk()
  }

  #watchDisk(): void {
    const { log, maxima, weights } = this.#house
    const limitBytes = maxima.diskBytes
    if (limitBytes === 0) return
    const full = (usedBytes: number) => {
      log.info({ run: this.#plan.run, usedBytes, limitBytes }, 'run.disk-full')
      for (const { box } of this.#made) if (!box.dead) void box.end(diskFull(usedBytes, limitBytes))
    }
    const failed = (error: unknown) => log.warn({ reason: wordsOf(error) }, 'disk.not-weighed')
    this.#disk = watchDisk({ weights, limitBytes, written: () => this.#written(), full, failed })
  }

  #written(): Written {
    const beside = this.#services?.written
    const folders = this.#made.flatMap(({ folder, layer }) => [folder ?? [], layer ?? []].flat())
    return {
      folders: [...new Set([...folders, ...(beside?.folders ?? [])])],
      containers: [...this.#made.map(({ container }) => container.id), ...(beside?.ids ?? [])],
      volumes: this.#volume === null ? [] : [this.#volume],
    }
  }

  async shell(image: string | null, signal: AbortSignal): Promise<Shell> {
    try {
      return await onceBack(this.#house.docker, signal, async () => {
        const { box } = await this.#open(image ?? this.image, { ...this.#told, signal })
        return box.shell(signal)
      })
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof EngineError) throw error
      throw new EngineError('engine_unavailable', `Docker gave no shell: ${wordsOf(error)}`, { cause: error })
    }
  }

  async container(image: string | null, signal: AbortSignal): Promise<string | null> {
    const wanted = image ?? this.image
    if (!this.#cells.has(wanted)) return null
    return (await this.#open(wanted, { signal, say: async () => {} })).container.id
  }

  /** The container of an image: the one that runs already, else a new one on the same files. */
  async #open(image: string, options: OpenOptions): Promise<Cell> {
    const known = this.#cells.get(image)
    const before = known && (await known)
    if (before && !before.box.dead) return before
    await before?.box.bury()
    const opening = this.#begin(image, options)
    this.#cells.set(image, opening)
    opening.catch(() => this.#cells.delete(image)) // whoever waits for it is told; the next one tries again
    return opening
  }

  async #begin(image: string, options: OpenOptions): Promise<Cell> {
    const { images, cells, trusted } = this.#house
    const found = await images.ensure(image, options)
    options.signal.throwIfAborted()
    const asked = { image, lane: this.#plan.lane, trusted }
    const privileged = mayBePrivileged(asked)
    const powers = powersInWords(asked)
    if (powers) await options.say(powers)
    const warm =
      this.#volume === null && !privileged
        ? cells.take(this.#house, { image, id: found.id, limits: this.limits })
        : null
    const cell = warm ? this.#moveInto(warm) : await this.#start({ image, privileged }, options.signal)
    options.ran?.(await images.ranAs(image, cell.imageId, found))
    return cell
  }

  #moveInto(warm: EmptyCell): Cell {
    this.#home = Promise.resolve(warm.home)
    this.#volume = warm.home.volume
    this.#holders.push(warm.home.holder)
    this.#made.push(warm)
    this.#rename(warm)
    return warm
  }

  async #start(
    { image, privileged }: { readonly image: string; readonly privileged: boolean },
    signal: AbortSignal,
  ): Promise<Cell> {
    const { attempt, run } = this.#plan
    const home = await this.#homeNow(signal)
    const labels = {
      ...labelsOf(this.#house.maker, null),
      [LABEL.run]: String(run),
      [LABEL.attempt]: String(attempt),
    }
    const count = this.#made.length
    const name = count === 0 ? this.#name : `${this.#name}-${count}-${randomBytes(2).toString('hex')}`
    const facts = { image, privileged, limits: this.limits, labels, name, home, fresh: count === 0 }
    const cell = await startCell(this.#house, facts, signal)
    this.#made.push(cell)
    return cell
  }

  /** A holder that has ended lets nobody in: then a new one takes its place, around the same files. */
  async #homeNow(signal: AbortSignal): Promise<Home> {
    const known = this.#home
    if (known && !(await known).holder.gone) return known
    if (this.#home === known) this.#home = this.#newHome(signal)
    return this.#home ?? this.#newHome(signal)
  }

  async #newHome(signal: AbortSignal): Promise<Home> {
    const { holders } = this.#house
    const volume = (this.#volume ??= this.#name)
    try {
      const network = this.#network
      const holder = await (network === null ? holders.take(signal) : holders.on(network, null, signal))
      this.#holders.push(holder)
      return { holder, volume }
    } catch (error) {
      this.#home = null // a hook, later, may have more luck
      throw error
    }
  }

  /** For who looks at the engine by hand: nothing waits for it, and nothing depends on it. */
  #rename({ container }: Cell): void {
    const { log } = this.#house
    const kept = (error: unknown) => log.debug({ reason: wordsOf(error) }, 'container.not-renamed')
    container.rename({ name: this.#name }).catch(kept)
  }

  async read(path: string, signal: AbortSignal): Promise<Readable | null> {
    return readFiles(this.#first.container, path, signal)
  }

  restore = (tar: Readable, signal: AbortSignal) => restoreFiles(this.#first.container, { tar, signal })

  async write(path: string, tar: Readable, signal: AbortSignal): Promise<void> {
    await writeFiles(this.#first.container, path, { tar, user: this.#first.user, signal })
  }

  usage(): Promise<Usage> {
    return usageOf(this.#made.map(({ box }) => box))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return (this.#removed ??= this.#remove())
  }

  async #remove(): Promise<void> {
    this.#disk?.[Symbol.dispose]()
    const { remains } = this.#house
    await Promise.allSettled([this.#home, ...this.#cells.values()])
    await Promise.all(this.#made.map(({ container }) => remains.container(container.id)))
    await Promise.all([
      this.#volume === null ? null : remains.volume(this.#volume),
      ...this.#holders.map((holder) => holder[Symbol.asyncDispose]()),
    ])
    await this.#services?.[Symbol.asyncDispose]()
    await this.#removeFiles()
    for (const { box } of this.#made) box.hangUp()
  }

  async #removeFiles(): Promise<void> {
    try {
      await this.#files?.[Symbol.asyncDispose]()
    } catch (error) {
      this.#house.log.warn({ container: this.#name, reason: wordsOf(error) }, 'files.left') // swept in the next life
    }
  }
}
