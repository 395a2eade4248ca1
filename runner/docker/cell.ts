import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import { EngineError } from '../engine.ts'
import type { ExitStatus } from '../engine.ts'
import { Box } from './box.ts'
import { MACHINE_FULL, outOfMemory, pidsExhausted } from './causes.ts'
import { type ContainerFacts, createShellContainer, DIRECTORY } from './container.ts'
import { isFull, layerOf } from './disk.ts'
import type { Holder } from './holder.ts'
import type { House } from './house.ts'
import { labelsOf } from './labels.ts'
import type { Limits } from './limits.ts'
import type { Stocked } from './stock.ts'

/** What all containers of a run share: their network namespace, and the volume with the workspace. */
export type Home = { readonly holder: Holder; readonly volume: string }

/** A container whose shell waits for its first step. */
export type Cell = {
  readonly container: Docker.Container
  readonly box: Box
  /** The image it runs, whatever its name stands for by now. */
  readonly imageId: string
  /** As whom the image runs; an empty string for root. */
  readonly user: string
  /** Where the engine says it keeps the volume, on its own machine. */
  readonly folder: string | null
  /** The same for what the container writes beside its volume. */
  readonly layer: string | null
}

export type CellFacts = Omit<ContainerFacts, 'holder' | 'volume' | 'runtime'> & {
  readonly home: Home
  /** No job has run in the volume yet. */
  readonly fresh: boolean
}

export async function startCell(house: House, facts: CellFacts, signal: AbortSignal): Promise<Cell> {
  const { docker, log, remains, runtime, starts } = house
  const { home, limits, fresh, ...rest } = facts
  using _turn = await starts.enter(signal)
  try {
    const container = await createShellContainer(docker, {
      ...rest,
      ...{ limits, runtime, holder: home.holder.id, volume: home.volume },
    })
    signal.throwIfAborted()
    const made = await container.inspect()
    const { Config, Mounts } = made
    const folder = Mounts.find(({ Destination }) => Destination === DIRECTORY)?.Source ?? null
    const box = new Box({
      docker,
      container,
      ...{ root: DIRECTORY, image: rest.image, log },
      cause: causeOf(limits, folder),
    })
    await box.attach(fresh && house.filling === 'move' ? folder : null)
    await container.start()
    box.watch()
    return { container, box, imageId: made.Image, user: Config.User, folder, layer: layerOf(made) }
  } catch (error) {
    await remains.container(rest.name) // also where the engine went away before it said that it had made one
    throw error
  }
}

const causeOf =
  (limits: Limits, folder: string | null) =>
  ({ oom, pids }: { readonly oom: number; readonly pids: number }): ExitStatus['error'] => {
    if (oom > 0) return outOfMemory(limits)
    if (pids > 0) return pidsExhausted(limits)
    if (isFull(folder)) throw new EngineError('disk_full', MACHINE_FULL)
    return null
  }

export const newVolume = (): string => `takt-${randomBytes(8).toString('hex')}`

/** A cell that nobody lives in yet, with a home of its own. */
export type EmptyCell = Stocked & Cell & { readonly home: Home }

export type EmptyFacts = { readonly image: string; readonly limits: Limits }

/** Make a cell for a run that is yet to come. */
export async function makeEmptyCell(
  house: House,
  { image, limits }: EmptyFacts,
  signal: AbortSignal,
): Promise<EmptyCell> {
  const { holders, maker, remains } = house
  const home = { holder: await holders.take(signal), volume: newVolume() }
  const leave = async () => {
    await remains.volume(home.volume)
    await home.holder[Symbol.asyncDispose]()
  }
  const labels = labelsOf(maker, 'warm')
  const cell = await startCell(
    house,
    { image, limits, labels, home, fresh: true, name: home.volume, privileged: false },
    signal,
  ).catch(async (error: unknown) => {
    await leave()
    throw error
  })
  const dispose = async () => {
    await remains.container(cell.container.id)
    cell.box.hangUp()
    await leave()
  }
  return {
    ...cell,
    home,
    get gone() {
      return cell.box.dead || home.holder.gone === true
    },
    [Symbol.asyncDispose]: dispose,
  }
}
