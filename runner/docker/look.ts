import type Docker from 'dockerode'
import { orAbort } from '../stop.ts'
import { addressesIn, FIB } from './addresses.ts'
import { demux } from './demux.ts'
import { createContainer } from './door.ts'
import { lookConfig } from './host-config.ts'
import { labelsOf, type Maker } from './labels.ts'
import { unlessGone } from './refusal.ts'

/** A machine with ten thousand addresses still fits. */
const MOST_BYTES = 2 ** 22

export type LookFacts = {
  readonly docker: Docker
  readonly image: string
  readonly maker: Maker
  readonly runtime: 'crun' | null
}

/** The addresses of the machine that the engine runs on, which need not be this one: read in a container on its network. */
export async function addressesOfMachine(facts: LookFacts, signal: AbortSignal): Promise<string[]> {
  const { docker, image, maker, runtime } = facts
  const container = await createContainer(docker, 'look', {
    Image: image,
    Entrypoint: ['/bin/busybox', 'cat', FIB],
    Cmd: [],
    Labels: labelsOf(maker, 'look'),
    AttachStdout: true,
    HostConfig: lookConfig(runtime),
  })
  try {
    const stream = await container.attach({ stream: true, stdout: true })
    await container.start()
    return addressesIn(await orAbort(textOf(stream), signal))
  } finally {
    await container.remove({ force: true, v: true }).catch(unlessGone)
  }
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const bytes of demux(stream as AsyncIterable<Buffer>)) {
    pieces.push(bytes)
    if ((size += bytes.length) > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes of addresses`)
  }
  return Buffer.concat(pieces).toString()
}
