import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import { EngineError } from '../engine.ts'
import type { ExitStatus } from '../engine.ts'
import { Box } from './box.ts'
import { outOfMemory, pidsExhausted } from './causes.ts'
import { type ContainerFacts, createShellContainer, DIRECTORY } from './container.ts'
import type { Holder } from './holder.ts'
import type { House } from './house.ts'
import { labelsOf } from './labels.ts'
import type { Limits } from './limits.ts'
import { isStatus, unlessGone, wordsOf } from './refusal.ts'
import type { Stocked } from './stock.ts'

/** What all containers of a run share: their network namespace, and the volume with the workspace. */
export type Home = { readonly holder: Holder; readonly volume: string }

/** A container whose shell waits for its first step. */
export type Cell = {
  readonly container: Docker.Container
  readonly box: Box
  /** As whom the image runs; an empty string for root. */
  readonly user: string
  /** Where the engine says it keeps the volume, on its own machine. */
  readonly folder: string | null
}

export type CellFacts = Omit<ContainerFacts, 'holder' | 'volume' | 'runtime'> & { readonly home: Home }

/** @throws {EngineError} `image_without_shell`; and what the engine throws where it has no such image. */
export async function startCell(house: House, facts: CellFacts, signal: AbortSignal): Promise<Cell> {
  const { docker, log, runtime, starts } = house
  const { home, limits, ...rest } = facts
  using _turn = await starts.enter(signal)
  const container = await createShellContainer(docker, {
    ...rest,
    ...{ limits, runtime, holder: home.holder.id, volume: home.volume },
  })
  try {
    signal.throwIfAborted()
    const box = new Box({ container, root: DIRECTORY, log, cause: causeOf(limits) })
    const [{ Config, Mounts }] = await Promise.all([container.inspect(), box.attach()])
    await launch(container)
    const folder = Mounts.find(({ Destination }) => Destination === DIRECTORY)?.Source ?? null
    return { container, box, user: Config.User, folder }
  } catch (error) {
    await container.remove({ force: true, v: true }).catch(unlessGone)
    throw error
  }
}

async function launch(container: Docker.Container): Promise<void> {
  try {
    await container.start()
  } catch (error) {
    const words = wordsOf(error)
    if (/no such file|executable file not found/i.test(words) && isStatus(error, 400, 404, 500))
      throw new EngineError('image_without_shell', `The image has no /bin/sh: ${words}`, { cause: error })
    throw error
  }
}

const causeOf =
  (limits: Limits) =>
  ({ oom, pids }: { readonly oom: number; readonly pids: number }): ExitStatus['error'] => {
    if (oom > 0) return outOfMemory(limits)
    return pids > 0 ? pidsExhausted(limits) : null
  }

export const newVolume = (): string => `takt-${randomBytes(8).toString('hex')}`

export async function removeVolume(docker: Docker, name: string): Promise<void> {
  try {
    await docker.getVolume(name).remove()
  } catch (error) {
    if (!isStatus(error, 404)) throw error
  }
}

/** A cell that nobody lives in yet, with a home of its own. */
export type EmptyCell = Stocked & Cell & { readonly home: Home }

export type EmptyFacts = { readonly image: string; readonly limits: Limits }

/** Make a cell for a run that is yet to come. */
export async function makeEmptyCell(
  house: House,
  { image, limits }: EmptyFacts,
  signal: AbortSignal,
): Promise<EmptyCell> {
  const { docker, holders, maker } = house
  const home = { holder: await holders.take(signal), volume: newVolume() }
  const leave = async () => {
    await removeVolume(docker, home.volume)
    await home.holder[Symbol.asyncDispose]()
  }
  const labels = labelsOf(maker, 'warm')
  const cell = await startCell(
    house,
    { image, limits, labels, home, name: home.volume, privileged: false },
    signal,
  ).catch(async (error: unknown) => {
    await leave()
    throw error
  })
  const dispose = async () => {
    await cell.container.remove({ force: true, v: true }).catch(unlessGone)
    cell.box.hangUp()
    await leave()
  }
  const life = { ended: false }
  const end = () => void (life.ended = true)
  cell.container.wait().then(end, end)
  return {
    ...cell,
    home,
    get gone() {
      return life.ended
    },
    [Symbol.asyncDispose]: dispose,
  }
}
