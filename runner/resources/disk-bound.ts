import type Docker from 'dockerode'
import { diskFull, MACHINE_FULL } from '../docker/causes.ts'
import { isFull, layerOf, watchDisk, weigh, type Written } from '../docker/disk.ts'
import { wordsOf } from '../docker/refusal.ts'
import { EngineError } from '../engine.ts'
import type { Machine } from './program.ts'

export type BoundFacts = {
  readonly machine: Pick<Machine, 'log' | 'maxima' | 'weights'>
  readonly container: Docker.Container
  /** Whose disk it is, for people. */
  readonly who: 'run' | 'check'
}

/**
 * What a program of a resource writes, beside its volumes and in those that its image asks for, held to what a run may write
 * (`TAKT_DISK`): a container that writes more is killed.
 */
export class DiskBound implements Disposable {
  readonly #facts: BoundFacts
  #written: Written = { folders: [], containers: [], volumes: [] }
  #watch: Disposable | null = null
  #broken: EngineError | null = null

  private constructor(facts: BoundFacts) {
    this.#facts = facts
  }

  /** Watch a container that is about to start. */
  static async watch(facts: BoundFacts): Promise<DiskBound> {
    const bound = new DiskBound(facts)
    if (facts.machine.maxima.diskBytes > 0) await bound.#begin()
    return bound
  }

  async #begin(): Promise<void> {
    const { machine, container } = this.#facts
    const { log, maxima, weights } = machine
    await this.#look()
    const full = (usedBytes: number) => {
      this.#breaks(usedBytes)
      container
        .kill({ signal: 'SIGKILL' })
        .catch((error: unknown) => log.debug({ reason: wordsOf(error) }, 'container.gone'))
    }
    const failed = (error: unknown) => log.warn({ reason: wordsOf(error) }, 'disk.not-weighed')
    this.#watch = watchDisk({
      weights,
      limitBytes: maxima.diskBytes,
      written: () => this.#written,
      full,
      failed,
    })
  }

  /** How the engine calls what the container writes to, and where that is on its machine. */
  async #look(): Promise<void> {
    const made = await this.#facts.container.inspect()
    const layer = layerOf(made)
    this.#written = {
      folders: [...(layer ? [layer] : []), ...made.Mounts.map(({ Source }) => Source)],
      containers: [made.Id],
      volumes: made.Mounts.flatMap(({ Name }) => Name ?? []),
    }
  }

  #breaks(usedBytes: number): void {
    const { machine, who } = this.#facts
    const { code, message } = diskFull(usedBytes, machine.maxima.diskBytes, who)
    this.#broken = new EngineError(code, message)
  }

  /**
   * The program has ended. It may have been quicker than the watch, and a container that is kept would grow from one time to the
   * next: so it is weighed once more.
   *
   * @throws {EngineError} `disk_full`: it wrote too much, or the machine's own disk is full.
   */
  async judge(exitCode: number): Promise<void> {
    this[Symbol.dispose]()
    const { diskBytes } = this.#facts.machine.maxima
    if (diskBytes > 0 && !this.#broken) {
      const usedBytes = await this.#usedBytes()
      if (usedBytes > diskBytes) this.#breaks(usedBytes)
    }
    if (this.#broken) throw this.#broken
    if (exitCode === 0) return
    if (diskBytes === 0) await this.#look()
    if (isFull(this.#written.folders[0] ?? null)) throw new EngineError('disk_full', MACHINE_FULL)
  }

  /** Where the engine is on another machine it is asked for this one container, without its volumes. */
  async #usedBytes(): Promise<number> {
    const { folders } = this.#written
    const near = folders.length > 0 ? await weigh(folders).catch(() => null) : null // null: no such folders here
    if (near !== null) return near
    // The client's types know neither the question nor the answer.
    const sized = { size: true } as Docker.ContainerInspectOptions
    const { SizeRw = 0 } = (await this.#facts.container.inspect(sized)) as { SizeRw?: number }
    return SizeRw
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]()
  }
}
