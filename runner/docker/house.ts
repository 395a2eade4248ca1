import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type Docker from 'dockerode'
import { z } from 'zod'
import type { Checkouts } from '../checkout.ts'
import type { Log } from '../log.ts'
import { orAbort } from '../stop.ts'
import { Turnstile } from '../turnstile.ts'
import { Calm } from './calm.ts'
import { ensureHolderImage } from './holder-image.ts'
import { Holders } from './holders.ts'
import { Images } from './images.ts'
import type { Maker } from './labels.ts'
import { type Maxima, maximaOf } from './limits.ts'
import { ensureNetwork } from './network.ts'
import { networkStock, type NetworksFacts, type RunNetwork } from './networks.ts'
import { Remains } from './remains.ts'
import { runtimeOf } from './runtime.ts'
import { Weights } from './weights.ts'
import { type BuildNetwork, type DockerConfig, PRESET } from './settings.ts'
import type { Stock } from './stock.ts'
import { WarmCells } from './warm-cells.ts'

/** Nobody came for so long: what was made ahead of time is given back to the machine. */
const IDLE_MS = 10 * 60_000

export type DockerOptions = {
  /** Stands in the label of everything made, so that a later life of this runner finds it. */
  readonly identity: string
  readonly checkouts: Checkouts
  readonly log: Log
  /** What the operator says; what holds without them is left out. */
  readonly docker?: Partial<DockerConfig>
  /** How a run's files get into its volume: moved where that is possible (else sent), or always sent. */
  readonly filling?: 'move' | 'send'
}

/** What all runs of one engine share. */
export type House = AsyncDisposable & {
  readonly docker: Docker
  readonly maker: Maker
  readonly checkouts: Checkouts
  readonly log: Log
  readonly images: Images
  readonly holders: Holders
  readonly cells: WarmCells
  readonly networks: Stock<RunNetwork>
  /** What a network is made with where none lies ready. */
  readonly network: NetworksFacts
  /** Creating and starting is bound by the processor: more than this at once only makes each of them slower. */
  readonly starts: Turnstile
  readonly calm: Calm
  /** What is to be removed, and could not be yet. */
  readonly remains: Remains
  /** What everything at the engine takes of its disk. */
  readonly weights: Weights
  /** The faster runtime where the engine has it and it works. */
  readonly runtime: 'crun' | null
  readonly maxima: Maxima
  readonly trusted: readonly string[]
  readonly builds: BuildNetwork
  readonly filling: 'move' | 'send'
}

const Machine = z.object({
  NCPU: z.number().positive(),
  MemTotal: z.number().positive(),
  Runtimes: z.record(z.string(), z.unknown()).nullish(),
})

export async function buildHouse(
  docker: Docker,
  options: DockerOptions,
  signal: AbortSignal,
): Promise<House> {
  const { identity, checkouts, log, filling = 'move' } = options
  const config = { ...PRESET, ...options.docker }
  const maker = { runner: identity, life: randomBytes(6).toString('hex') }
  const machine = Machine.parse(await orAbort(docker.info(), signal))
  const images = new Images(docker)
  await ensureNetwork(docker, signal)
  const say = async (text: string) => log.info({ text: text.trim() }, 'holder.image')
  const image = await ensureHolderImage({ docker, images }, { signal, say })
  const starts = new Turnstile(2 * availableParallelism())
  const warm = { size: config.warm, idleMs: IDLE_MS }
  const calm = new Calm()
  const remains = new Remains({ docker, log })
  const runtimes = machine.Runtimes ?? {}
  const runtime = await runtimeOf({ docker, image, maker, remains, log, runtimes }, signal)
  const holders = new Holders({
    docker,
    calm,
    maker,
    log,
    starts,
    runtime,
    image,
    images,
    remains,
    allowed: config.allowed,
    warm,
  })
  const made = (gateway: string) => holders.closeAlso(gateway)
  const network = { docker, calm, maker, log, remains, warm: { ...warm, size: Math.min(warm.size, 1) }, made }
  const networks = networkStock(network)
  const cells = new WarmCells(warm)
  return {
    ...{
      docker,
      maker,
      checkouts,
      log,
      images,
      holders,
      cells,
      networks,
      network,
      starts,
      calm,
      remains,
      weights: new Weights(docker),
      runtime,
      filling,
    },
    maxima: maximaOf(config.maxima, { cpus: machine.NCPU, memoryBytes: machine.MemTotal }),
    trusted: config.trusted,
    builds: config.builds,
    [Symbol.asyncDispose]: async () => {
      await cells[Symbol.asyncDispose]()
      await holders[Symbol.asyncDispose]()
      await networks[Symbol.asyncDispose]()
      await remains[Symbol.asyncDispose]()
    },
  }
}
