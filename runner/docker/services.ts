import type Docker from 'dockerode'
import type { Plan } from '#pipelines/wire/plan.ts'
import type { OpenOptions } from '../engine.ts'
import type { Log } from '../log.ts'
import type { Turnstile } from '../turnstile.ts'
import type { Holder } from './holder.ts'
import type { Holders } from './holders.ts'
import type { Images } from './images.ts'
import type { Maker } from './labels.ts'
import type { Limits } from './limits.ts'
import type { RunNetwork } from './networks.ts'
import type { Remains } from './remains.ts'
import { mayBePrivileged, powersInWords } from './privileged.ts'
import { isStatus, wordsOf } from './refusal.ts'
import { notStarted, RunningService, type Service } from './running.ts'

export type ServicesFacts = {
  readonly docker: Docker
  readonly images: Images
  readonly holders: Holders
  readonly starts: Turnstile
  readonly log: Log
  readonly remains: Remains
  readonly maker: Maker
  readonly runtime: 'crun' | null
  readonly limits: Limits
  readonly trusted: readonly string[]
  readonly network: RunNetwork
  readonly plan: Pick<Plan, 'run' | 'attempt' | 'lane' | 'services'>
  /** What the names of the containers begin with. */
  readonly name: string
}

/** The services of one run, on the run's own network. */
export class Services implements AsyncDisposable {
  readonly #facts: ServicesFacts
  readonly #rooms = new AsyncDisposableStack()
  readonly #started = new Map<string, Promise<void>>()
  readonly #running: RunningService[] = []

  constructor(facts: ServicesFacts) {
    this.#facts = facts
    this.#rooms.use(facts.network)
  }

  /**
   * Start all of them, each as soon as those that it depends on are healthy, and wait until the last one is.
   *
   * @throws {EngineError} `service_unhealthy`, `image_pull_failed`
   */
  async start(options: OpenOptions): Promise<void> {
    const half = new AbortController() // one that fails ends the waiting for the others
    const all = { ...options, signal: AbortSignal.any([options.signal, half.signal]) }
    const { services } = this.#facts.plan
    const starting = services.map((service) => this.#once(service, all))
    try {
      await Promise.all(starting)
    } catch (error) {
      half.abort(error)
      await Promise.allSettled(starting)
      throw error
    }
  }

  /** Their containers, and where what they write lies. */
  get written(): { readonly ids: string[]; readonly folders: string[] } {
    return {
      ids: this.#running.map(({ id }) => id),
      folders: this.#running.flatMap(({ folders }) => folders),
    }
  }

  #once(service: Service, options: OpenOptions): Promise<void> {
    const known = this.#started.get(service.name)
    if (known) return known
    const starting = Promise.resolve().then(() => this.#start(service, options))
    this.#started.set(service.name, starting)
    starting.catch(() => {}) // `start` waits for it too
    return starting
  }

  async #start(service: Service, options: OpenOptions): Promise<void> {
    const { services } = this.#facts.plan
    const before = services.filter(({ name }) => service.dependsOn.includes(name))
    await Promise.all(before.map((each) => this.#once(each, options)))
    const { signal, say } = options
    const { holders, network, log } = this.#facts
    try {
      const holder = await holders.on(network.name, service.name, signal)
      this.#rooms.use(holder)
      const running = await this.#create(service, holder, options)
      this.#running.push(running)
      this.#rooms.defer(() => running.dispose())
      await say(`Service ${service.name}: ${service.image}\n`)
      options.ran?.(await this.#facts.images.ranAs(service.image, running.imageId))
      const begun = performance.now()
      await running.start(options)
      await say(`Service ${service.name} is ready after ${Math.round(performance.now() - begun)} ms\n`)
    } catch (error) {
      signal.throwIfAborted()
      log.debug({ service: service.name, reason: wordsOf(error) }, 'service.failed')
      throw notStarted(service, error)
    }
  }

  async #create(service: Service, holder: Holder, options: OpenOptions): Promise<RunningService> {
    const { docker, remains, plan, maker, runtime, limits, images, name, trusted, starts } = this.#facts
    const asked = { image: service.image, lane: plan.lane, trusted }
    const privileged = mayBePrivileged(asked)
    const powers = powersInWords(asked)
    if (powers) await options.say(powers)
    const facts = {
      docker,
      remains,
      plan,
      service,
      name: `${name}-${service.name}`,
      maker,
      runtime,
      limits,
      holder,
      privileged,
    }
    using _turn = await starts.enter(options.signal)
    try {
      return await RunningService.create(facts)
    } catch (error) {
      // 404: no such image. 400: no image can have such a name, which the pull says in clearer words.
      if (!isStatus(error, 400, 404)) throw error
      await images.fetch(service.image, options)
      return RunningService.create(facts)
    }
  }

  /** End all of them, those too that are only being made; the network goes last. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#started.values())
    await this.#rooms.disposeAsync()
  }
}
