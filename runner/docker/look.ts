import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import { orAbort } from '../stop.ts'
import { addressesIn, FIB } from './addresses.ts'
import { textOf } from './demux.ts'
import { createContainer } from './door.ts'
import { lookConfig } from './host-config.ts'
import { labelsOf, type Maker } from './labels.ts'
import type { Remains } from './remains.ts'

/** A machine with ten thousand addresses still fits. */
const MOST_BYTES = 2 ** 22

export type LookFacts = {
  readonly docker: Docker
  readonly image: string
  readonly maker: Maker
  readonly runtime: 'crun' | null
  readonly remains: Remains
}

/** The addresses of the machine that the engine runs on, which need not be this one: read in a container on its network. */
export async function addressesOfMachine(facts: LookFacts, signal: AbortSignal): Promise<string[]> {
  const { docker, image, maker, runtime, remains } = facts
  const name = `takt-look-${randomBytes(6).toString('hex')}`
  try {
    const container = await createContainer(docker, 'look', {
      name,
      Image: image,
      Entrypoint: ['/bin/busybox', 'cat', FIB],
      Cmd: [],
      Labels: labelsOf(maker, 'look'),
      AttachStdout: true,
      HostConfig: lookConfig(runtime),
    })
    const stream = await container.attach({ stream: true, stdout: true })
    await container.start()
    return addressesIn(await orAbort(textOf(stream, MOST_BYTES), signal))
  } finally {
    await remains.container(name)
  }
}
