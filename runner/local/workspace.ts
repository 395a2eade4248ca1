import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Plan } from '#pipelines/wire/plan.ts'
import { FOLDERS, OUTPUT_FILE } from '../engine.ts'
import type { OpenOptions, Shell, Usage, Workspace } from '../engine.ts'
import type { LocalOptions } from './engine.ts'
import { readFrom, restoreIn, writeInto } from './files.ts'
import { killMarked } from './processes.ts'
import { LocalShell } from './shell.ts'

/** The file that says which runner made the folder. */
export const OWNER = 'owner'

export async function openWorkspace(
  options: LocalOptions,
  plan: Plan,
  { signal, say }: OpenOptions,
): Promise<Workspace> {
  const place = new LocalWorkspace(options, plan)
  try {
    await place.make()
    await options.checkouts.materialise(plan, join(place.root, FOLDERS.work), { signal, say })
    await place.open()
    signal.throwIfAborted()
    return place
  } catch (error) {
    await place[Symbol.asyncDispose]()
    throw error
  }
}

class LocalWorkspace implements Workspace {
  readonly root: string
  readonly #options: LocalOptions
  readonly #plan: Plan
  /** `:` ends it, so that the mark of run 1 is not the beginning of run 10's. */
  readonly #mark: string
  readonly #shells: LocalShell[] = []
  /** Begun with the workspace, so that the first step finds it waiting. */
  #first: LocalShell | null = null
  #removed: Promise<void> | null = null

  constructor(options: LocalOptions, plan: Plan) {
    // The part of the run before this one may still be on its way out of its own.
    const name = [plan.run, plan.attempt, ...(plan.prepare > 0 ? [plan.prepare] : [])].join('-')
    this.#options = options
    this.#plan = plan
    this.root = join(options.folder, 'runs', name)
    this.#mark = `${options.identity}:${name}:`
  }

  async make(): Promise<void> {
    await rm(this.root, { recursive: true, force: true })
    for (const folder of [...Object.values(FOLDERS), 'home', 'tmp'])
      await mkdir(join(this.root, folder), { recursive: true })
    await writeFile(join(this.root, OWNER), this.#options.identity)
    await writeFile(join(this.root, OUTPUT_FILE), '')
  }

  async open(): Promise<void> {
    this.#first = await this.#start()
  }

  async shell(image: string | null, signal: AbortSignal): Promise<Shell> {
    signal.throwIfAborted()
    const first = this.#first
    this.#first = null
    return first && image === null ? first.fed : (await this.#start()).fed
  }

  async #start(): Promise<LocalShell> {
    const { path, log } = this.#options
    const mark = `${this.#mark}${this.#shells.length + 1}:`
    const shell = await LocalShell.start({ root: this.root, path, mark, log })
    this.#shells.push(shell)
    return shell
  }

  read(path: string): Promise<Readable | null> {
    return readFrom(this.root, path)
  }

  write(path: string, tar: Readable, signal: AbortSignal): Promise<void> {
    return writeInto(this.root, { path, tar, signal })
  }

  restore(tar: Readable, signal: AbortSignal): Promise<void> {
    return restoreIn(this.root, { tar, signal })
  }

  /** Of memory nobody keeps count for processes that share the machine with all others. */
  async usage(): Promise<Usage> {
    return { peakMemoryBytes: null, cpuMs: null }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return (this.#removed ??= this.#remove())
  }

  async #remove(): Promise<void> {
    this.#shells.forEach((shell) => shell.end())
    try {
      await killMarked(this.#mark)
      await rm(this.root, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 })
    } catch (error) {
      this.#options.log.warn({ run: this.#plan.run, error }, 'workspace.left')
    } finally {
      this.#shells.forEach((shell) => shell.silence())
    }
  }
}
