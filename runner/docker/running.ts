import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import type { Plan } from '#pipelines/wire/plan.ts'
import { EngineError } from '../engine.ts'
import type { OpenOptions } from '../engine.ts'
import { orAbort } from '../stop.ts'
import { demux } from './demux.ts'
import { layerOf } from './disk.ts'
import { createContainer } from './door.ts'
import { type Check, checksOf } from './health.ts'
import type { Holder } from './holder.ts'
import { workConfig } from './host-config.ts'
import { LABEL, labelsOf, type Maker } from './labels.ts'
import { exitOf } from './life.ts'
import type { Limits } from './limits.ts'
import { wordsOf } from './refusal.ts'
import type { Remains } from './remains.ts'

export type Service = Plan['services'][number]

export type ServiceFacts = {
  readonly docker: Docker
  readonly remains: Remains
  readonly plan: Pick<Plan, 'run' | 'attempt'>
  readonly service: Service
  /** The container's name. */
  readonly name: string
  readonly maker: Maker
  readonly runtime: 'crun' | null
  readonly limits: Limits
  readonly holder: Holder
  readonly privileged: boolean
}

/** Where nothing is said of it. */
const HEALTHY_WITHIN_MS = 60_000
const LAST_WORDS_BYTES = 2_000
const MOST_FOUND = 500

/** One service of a run: its container, what it says, and how it ends. */
export class RunningService {
  readonly #facts: ServiceFacts
  readonly #container: Docker.Container
  readonly #exposed: readonly number[]
  /** Where what it writes lies on the engine's machine: beside its volumes, and in them. */
  readonly folders: readonly string[]
  /** The image it runs, whatever its name stands for by now. */
  readonly imageId: string
  #lastWords = Buffer.alloc(0)
  /** What the check under way has said so far, the end of it. */
  #found = ''
  #ended: Promise<number> = Promise.resolve(0)
  #disposed = false

  private constructor(facts: ServiceFacts, container: Docker.Container, made: Docker.ContainerInspectInfo) {
    this.#facts = facts
    this.#container = container
    this.#exposed = portsIn(made.Config.ExposedPorts) // what the image exposes stands here too
    this.imageId = made.Image
    const layer = layerOf(made)
    this.folders = [...(layer ? [layer] : []), ...made.Mounts.map(({ Source }) => Source)]
  }

  get id(): string {
    return this.#container.id
  }

  /** The container, not started yet; its image is there. */
  static async create(facts: ServiceFacts): Promise<RunningService> {
    try {
      const container = await create(facts)
      return new RunningService(facts, container, await container.inspect())
    } catch (error) {
      await facts.remains.container(facts.name) // also where the engine went away before it said that it had made one
      throw error
    }
  }

  /** @throws {EngineError} `service_unhealthy`, with its last words, when it ended or took too long. */
  async start({ signal, heard, serviceStarted, serviceEnded }: OpenOptions): Promise<void> {
    const { service } = this.#facts
    const stream = await this.#container.attach({ stream: true, stdout: true, stderr: true })
    serviceStarted?.(service.step)
    const hearing = this.#hear(stream, (bytes) => heard?.(service.step, bytes) ?? Promise.resolve())
    hearing.catch(() => {}) // whoever waits for its end is told; where it does not even start, nobody does
    await this.#container.start()
    this.#ended = this.#end(hearing, serviceEnded)
    this.#ended.catch(() => {}) // whoever waits for it is told
    const checks = checksOf({ ...service, exposed: this.#exposed })
    const withinMs = service.health?.timeoutMs ?? HEALTHY_WITHIN_MS
    const late = AbortSignal.timeout(withinMs)
    for (const check of checks) {
      const passed = Promise.race([this.#pass(check), this.#endedEarly()])
      passed.catch(() => {}) // given up below
      await orAbort(passed, AbortSignal.any([signal, late])).catch((error: unknown) => {
        signal.throwIfAborted()
        if (!late.aborted) throw error
        serviceEnded?.(service.step, { state: 'failed', exitCode: null }) // it runs still, and nobody can use it
        throw this.#unhealthy(`was not ready within ${withinMs / 1_000} s`, check)
      })
    }
  }

  async #endedEarly(): Promise<never> {
    const code = await this.#ended
    throw this.#unhealthy(`ended with exit code ${code} before it was ready`)
  }

  async #pass(check: Check): Promise<void> {
    const container = check.where === 'holder' ? this.#facts.holder.container : this.#container
    const healthy = `healthy-${randomBytes(8).toString('hex')}` // nothing that a command of the author's says by chance
    const script = `healthy=$1; shift\n${check.script}`
    const Cmd = ['/bin/sh', '-c', script, 'check', healthy, ...check.arguments]
    const exec = await container.exec({ Cmd, AttachStdout: true, AttachStderr: true })
    this.#found = ''
    for await (const bytes of demux((await exec.start({})) as unknown as AsyncIterable<Buffer>)) {
      this.#found = (this.#found + Buffer.from(bytes).toString()).slice(-LAST_WORDS_BYTES)
      if (this.#found.includes(healthy)) return // also where something that the command left behind could still speak
    }
    // Where the service itself has ended that is the better reason, and `start` is told of it.
    await this.#ended
    throw this.#unhealthy('could not be asked', check)
  }

  async #hear(stream: NodeJS.ReadableStream, heard: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    for await (const bytes of demux(stream as AsyncIterable<Buffer>)) {
      this.#lastWords = Buffer.concat([this.#lastWords, bytes]).subarray(-LAST_WORDS_BYTES)
      await heard(bytes)
    }
  }

  /** Its exit code, once all that it said was heard. */
  async #end(hearing: Promise<void>, told: OpenOptions['serviceEnded']): Promise<number> {
    const [exitCode] = await Promise.all([exitOf(this.#container), hearing])
    if (!this.#disposed) {
      const state = exitCode === 0 ? 'succeeded' : 'failed'
      told?.(this.#facts.service.step, { state, exitCode })
    }
    return exitCode
  }

  #unhealthy(what: string, check?: Check): EngineError {
    const { name, image } = this.#facts.service
    const found = check ? lastLine(this.#found).slice(-MOST_FOUND) : ''
    const asked = check ? ` (its check: ${check.words}${found && `; it said last: ${found}`})` : ''
    const words = this.#lastWords.toString().trim()
    const last = words === '' ? 'It said nothing.' : `Its last words:\n${words}`
    return new EngineError('service_unhealthy', `The service ${name} of ${image} ${what}${asked}. ${last}`)
  }

  dispose(): Promise<void> {
    this.#disposed = true
    return this.#facts.remains.container(this.#container.id)
  }
}

function create(facts: ServiceFacts): Promise<Docker.Container> {
  const { docker, plan, service, name, maker, runtime, limits, holder, privileged } = facts
  const volume = null
  const { purpose, config } = workConfig({ limits, runtime, holder: holder.id, volume, privileged })
  return createContainer(docker, purpose, {
    name,
    Image: service.image,
    ...commandOf(service),
    Env: Object.entries(service.env).map(([key, value]) => `${key}=${value}`),
    Labels: {
      ...labelsOf(maker, 'service'),
      [LABEL.run]: String(plan.run),
      [LABEL.attempt]: String(plan.attempt),
    },
    Healthcheck: { Test: ['NONE'] }, // Takt asks by itself, and more often
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: config,
  })
}

const lastLine = (text: string) => text.trim().split('\n').at(-1)?.trim() ?? ''

/** Its own commands, in a shell; else what the image says. */
const commandOf = ({ commands }: Service) =>
  commands.length === 0 ? {} : { Entrypoint: ['/bin/sh', '-ec', commands.join('\n')], Cmd: [] }

/** `5432` of `5432/tcp`, lowest first. */
const portsIn = (exposed: object | null | undefined): number[] =>
  Object.keys(exposed ?? {})
    .flatMap((port) => (port.endsWith('/tcp') ? [Number.parseInt(port, 10)] : []))
    .sort((a, b) => a - b)

/** The engine's words where a service could not even be made. */
export const notStarted = ({ name }: Service, error: unknown): EngineError =>
  error instanceof EngineError
    ? error
    : new EngineError('service_unhealthy', `The service ${name} could not be started: ${wordsOf(error)}`, {
        cause: error,
      })
