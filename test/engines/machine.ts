import Docker from 'dockerode'
import { parseAllowed } from '../../runner/docker/addresses.ts'
import { Calm } from '../../runner/docker/calm.ts'
import { ensureHolderImage } from '../../runner/docker/holder-image.ts'
import { Holders } from '../../runner/docker/holders.ts'
import { Images } from '../../runner/docker/images.ts'
import { ensureNetwork } from '../../runner/docker/network.ts'
import type { Machine } from '../../runner/resources/program.ts'
import { Remains } from '../../runner/docker/remains.ts'
import { Weights } from '../../runner/docker/weights.ts'
import { Turnstile } from '../../runner/turnstile.ts'
import { log } from './contract.ts'

/** What programs of resources run on: the machine's own engine, with nothing made ahead of time. */
export async function machineOf(
  identity: string,
  { diskBytes = 0, builds = 'walled' as Machine['builds'], allowed = '' } = {},
): Promise<Machine> {
  const docker = new Docker()
  const maker = { runner: identity, life: 'this' }
  const images = new Images(docker)
  const signal = AbortSignal.timeout(20_000)
  await ensureNetwork(docker, signal)
  const image = await ensureHolderImage({ docker, images }, { signal, say: async () => {} })
  const remains = new Remains({ docker, log })
  const holders = new Holders({
    ...{
      docker,
      maker,
      log,
      image,
      images,
      remains,
      runtime: null,
      starts: new Turnstile(4),
      calm: new Calm(),
    },
    allowed: parseAllowed(allowed)!,
    warm: { size: 0, idleMs: 1_000 },
  })
  const maxima = { cpus: 2, memoryBytes: 2 ** 32, pids: 1024, diskBytes }
  const weights = new Weights(docker)
  return { docker, images, maker, log, holders, remains, runtime: null, maxima, weights, builds }
}
