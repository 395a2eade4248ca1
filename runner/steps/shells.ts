import type { Shell, Workspace } from '../engine.ts'

/** The shells of a run, by image: one that a step has left waits for the next step. */
export class Shells {
  readonly #workspace: Workspace
  readonly #free = new Map<string | null, Shell[]>()
  /** The job's own image, which steps may also name. */
  readonly #image: string | null

  constructor(workspace: Workspace, image: string | null) {
    this.#workspace = workspace
    this.#image = image
  }

  /** A shell for one step; disposing gives it back. */
  async take(image: string | null, signal: AbortSignal): Promise<Disposable & { readonly shell: Shell }> {
    const key = image === this.#image ? null : image
    const free = this.#free.get(key) ?? []
    this.#free.set(key, free)
    const shell = free.pop() ?? (await this.#workspace.shell(key, signal))
    // What a step left broken is forgotten: the workspace makes another one, in a new container if need be.
    return { shell, [Symbol.dispose]: () => void (shell.usable && free.push(shell)) }
  }
}
