import { availableParallelism, totalmem } from 'node:os'
import Docker from 'dockerode'
import type { RunId } from '#pipelines/ids.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import type { Checkouts } from '../checkout.ts'
import { EngineError } from '../engine.ts'
import type { Engine, OpenOptions, Workspace } from '../engine.ts'
import type { Log } from '../log.ts'
import { orAbort } from '../stop.ts'
import { Turnstile } from '../turnstile.ts'
import type { Limits } from './container.ts'
import { Images } from './images.ts'
import { ensureNetwork } from './network.ts'
import { wordsOf } from './refusal.ts'
import { sweep } from './sweep.ts'
import { openWorkspace } from './workspace.ts'

export type DockerOptions = {
  /** Stands in the label of everything made, so that a later life of this runner finds it. */
  readonly identity: string
  readonly checkouts: Checkouts
  readonly log: Log
  readonly limits?: Partial<Limits>
  /** How a run's files get into its volume: moved where that is possible (else sent), or always sent. */
  readonly filling?: 'move' | 'send'
}

/** What all runs of one engine share. */
export type House = DockerOptions & {
  readonly docker: Docker
  readonly images: Images
  readonly limits: Limits
  /** Creating and starting is bound by the processor: more than this at once only makes each of them slower. */
  readonly starts: Turnstile
}

/** The Docker engine at `DOCKER_HOST`, or at the usual socket; null where none answers before `signal` aborts. */
export async function findDocker(signal: AbortSignal): Promise<{ docker: Docker; words: string } | null> {
  const docker = new Docker()
  try {
    const { Version } = await orAbort(docker.version(), signal)
    return { docker, words: `Docker ${Version}` }
  } catch {
    return null // no engine is an answer: the caller chooses another one or says so
  }
}

/** Runs in containers: one for each run, with a volume of its own, on a network where no run reaches another. */
export async function dockerEngine(options: DockerOptions, signal: AbortSignal): Promise<Engine> {
  const found = await findDocker(signal)
  if (!found)
    throw new EngineError(
      'engine_unavailable',
      'No Docker engine answers at DOCKER_HOST or /var/run/docker.sock.',
    )
  const { docker, words } = found
  await ensureNetwork(docker, signal)
  const house: House = {
    ...options,
    docker,
    images: new Images(docker),
    limits: { ...defaultLimits(), ...options.limits },
    starts: new Turnstile(2 * availableParallelism()),
  }
  return {
    kind: 'docker',
    isolated: true,
    words,
    open: (plan, openOptions) => open(house, plan, { ...openOptions, words }),
    sweep: (keep: ReadonlySet<RunId>) => sweep(house, keep),
  }
}

async function open(house: House, plan: Plan, options: OpenOptions & { words: string }): Promise<Workspace> {
  try {
    return await openWorkspace(house, plan, options)
  } catch (error) {
    options.signal.throwIfAborted()
    if (error instanceof EngineError) throw error
    throw new EngineError('engine_unavailable', `Docker could not make the container: ${wordsOf(error)}`, {
      cause: error,
    })
  }
}

const defaultLimits = (): Limits => ({
  memoryBytes: Math.min(4 * 2 ** 30, totalmem()),
  cpus: Math.min(2, availableParallelism()),
  pids: 1024,
})
