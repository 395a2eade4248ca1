import type Docker from 'dockerode'
import { z } from 'zod'
import type { RanImage } from '#pipelines/wire/images.ts'
import { EngineError } from '../engine.ts'
import type { OpenOptions } from '../engine.ts'
import { orAbort } from '../stop.ts'
import { buildDemoImage, DEMO_IMAGE } from './demo-image.ts'
import { isStatus, wordsOf } from './refusal.ts'

/** A pull that is under way, and the runs that wait for it. */
type Pull = {
  readonly done: Promise<void>
  readonly listeners: Set<OpenOptions['say']>
  readonly abort: AbortController
}

/** Parts that begin with a letter or a digit, so that none is `..`; a tag, a digest. */
const NAME = /^[A-Za-z0-9][\w.-]*(?::\d+)?(?:\/[A-Za-z0-9][\w.-]*)*(?::\w[\w.-]*)?(?:@sha256:[0-9a-f]{64})?$/

const Progress = z.object({
  id: z.string().optional(),
  status: z.string().optional(),
  error: z.string().optional(),
})

/** Gets missing images, each once however many runs ask for it at the same time. */
export class Images {
  readonly #docker: Docker
  readonly #pulls = new Map<string, Pull>()
  constructor(docker: Docker) {
    this.#docker = docker
  }

  /**
   * Have `image` at the engine, pulled where it is missing.
   *
   * @returns What the name stands for now: names are given to other images in the course of time.
   * @throws {EngineError} `image_pull_failed`
   */
  async ensure(image: string, options: OpenOptions): Promise<RanImage> {
    const known = await this.#look(image)
    if (known !== null) return known
    await this.fetch(image, options)
    const fetched = await this.#look(image)
    if (fetched !== null) return fetched
    throw new EngineError('image_pull_failed', `The image ${image} was pulled, and is not there.`)
  }

  /** What a container that was made of `image` really runs: its name may have been given away since it was looked at. */
  async ranAs(image: string, id: string, found: RanImage | null = null): Promise<RanImage> {
    if (found?.id === id) return found
    const { RepoDigests } = await this.#docker.getImage(id).inspect()
    return { image, id, digests: digestsIn(RepoDigests) }
  }

  async #look(image: string): Promise<RanImage | null> {
    // The name becomes part of the request's path. What no image can be named, the pull refuses in clear words.
    if (!NAME.test(image)) return null
    try {
      const { Id, RepoDigests } = await this.#docker.getImage(image).inspect()
      return { image, id: Id, digests: digestsIn(RepoDigests) }
    } catch (error) {
      if (isStatus(error, 400, 404)) return null
      throw error
    }
  }

  /**
   * Pull `image`, saying a line whenever a layer changes its state. When the last waiting run leaves, the pull is aborted.
   *
   * @throws {EngineError} `image_pull_failed`, with the engine's words.
   */
  async fetch(image: string, { signal, say }: OpenOptions): Promise<void> {
    const pull = this.#pulls.get(image) ?? this.#start(image, say)
    pull.listeners.add(say)
    try {
      await orAbort(pull.done, signal)
    } finally {
      pull.listeners.delete(say)
      if (pull.listeners.size === 0) this.#giveUp(image, pull)
    }
  }

  #giveUp(image: string, pull: Pull): void {
    if (this.#pulls.get(image) === pull) this.#pulls.delete(image)
    pull.abort.abort()
  }

  #start(image: string, first: OpenOptions['say']): Pull {
    const abort = new AbortController()
    const listeners: Pull['listeners'] = new Set([first])
    const tell = async (text: string) => void (await Promise.all([...listeners].map((say) => say(text))))
    const work =
      image === DEMO_IMAGE ? buildDemoImage(this.#docker, tell) : this.#pull(image, tell, abort.signal)
    const pull: Pull = { done: work.finally(() => this.#giveUp(image, pull)), listeners, abort }
    this.#pulls.set(image, pull)
    return pull
  }

  async #pull(image: string, tell: OpenOptions['say'], signal: AbortSignal): Promise<void> {
    try {
      await tell(`Pulling image ${image}\n`)
      const stream = await this.#docker.pull(tagged(image), { abortSignal: signal })
      await this.#follow(stream, tell)
    } catch (error) {
      signal.throwIfAborted()
      throw new EngineError(
        'image_pull_failed',
        `The image ${image} could not be pulled: ${wordsOf(error)}${hintFor(wordsOf(error))}`,
        { cause: error },
      )
    }
  }

  /** The engine repeats a layer's state for every few bytes; only a change of it is worth a line. */
  #follow(stream: NodeJS.ReadableStream, tell: OpenOptions['say']): Promise<void> {
    const states = new Map<string, string>()
    return new Promise((resolve, reject) => {
      const heard = (event: unknown) => {
        const { id = '', status, error } = Progress.catch({}).parse(event)
        if (error) reject(new Error(error))
        if (!status || states.get(id) === status) return
        states.set(id, status)
        tell(id ? `${id}: ${status}\n` : `${status}\n`).catch(reject)
      }
      this.#docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()), heard)
    })
  }
}

/** Registries do not tell whether an image is missing or not for everybody. */
const CLOSED = /no basic auth credentials|unauthorized|authentication required|denied/i
const hintFor = (words: string): string =>
  CLOSED.test(words)
    ? '. Where it is there, its registry wants a login, and images of jobs are pulled without one: pull it at the runner’s engine beforehand, or name one that is open.'
    : ''

/** An image that was only built has none: engines say null. So many and so long go over the wire. */
const digestsIn = (digests: readonly string[] | null): string[] =>
  (digests ?? []).filter(({ length }) => length <= 600).slice(0, 20)

/** The engine takes a name without a tag for all its tags; people mean `latest`. */
function tagged(image: string): string {
  const last = image.slice(image.lastIndexOf('/') + 1)
  return last.includes(':') || last.includes('@') ? image : `${image}:latest`
}
