import type Docker from 'dockerode'

/** What of everything at an engine lies on its disk. */
export type Sizes = {
  readonly Containers?: readonly { readonly Id: string; readonly SizeRw?: number }[] | null
  readonly Volumes?:
    readonly { readonly Name: string; readonly UsageData?: { readonly Size: number } | null }[] | null
}

/** An answer that is younger serves everybody. */
const FRESH_MS = 10_000

/** An engine weighs all it has, which takes long, and refuses whoever asks meanwhile: so all runs share one answer. */
export class Weights {
  readonly #docker: Docker
  #asked: { readonly at: number; readonly answer: Promise<Sizes> } | null = null

  constructor(docker: Docker) {
    this.#docker = docker
  }

  get(): Promise<Sizes> {
    if (this.#asked && performance.now() - this.#asked.at < FRESH_MS) return this.#asked.answer
    const asked = { at: Number.POSITIVE_INFINITY, answer: this.#docker.df() as Promise<Sizes> }
    this.#asked = asked // while it is under way, it is as young as can be
    asked.answer.then(
      () => (asked.at = performance.now()),
      () => (this.#asked = null), // whoever waits for it is told; the next one asks again
    )
    return asked.answer
  }
}
