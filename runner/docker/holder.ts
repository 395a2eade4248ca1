import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import { EngineError } from '../engine.ts'
import { orAbort } from '../stop.ts'
import type { Walls } from './addresses.ts'
import { demux } from './demux.ts'
import { createContainer } from './door.ts'
import { gateConfig, holderConfig } from './host-config.ts'
import { labelsOf, type Maker } from './labels.ts'
import { lifeOf } from './life.ts'
import { wordsOf } from './refusal.ts'
import type { Remains } from './remains.ts'
import type { Stocked } from './stock.ts'
import { holderCommand, READY } from './wall.ts'

const MOST_CHARACTERS = 2_000

export type HolderFacts = {
  readonly docker: Docker
  readonly image: string
  readonly maker: Maker
  readonly runtime: 'crun' | null
  readonly remains: Remains
  readonly network: string
  /** The name under which the other containers of its network find whoever joins it. */
  readonly alias: string | null
  readonly walls: Walls
  /** The container whose network it opens into, and which whoever joins it joins instead; null where that is its own. */
  readonly inside: string | null
}

/** A container that does nothing but own a network namespace, in which a run's containers reach what they may and no more. */
export type Holder = Stocked & {
  readonly id: string
  readonly container: Docker.Container
}

/**
 * Make a network namespace and close it, all before anybody is in it.
 *
 * @throws {EngineError} `engine_unavailable` Where it could not be closed: nothing joins a namespace that is open by mistake.
 */
export async function prepareHolder(facts: HolderFacts, signal: AbortSignal): Promise<Holder> {
  const { remains } = facts
  signal.throwIfAborted()
  const name = `takt-holder-${randomBytes(6).toString('hex')}`
  const dispose = () => remains.container(name)
  try {
    const container = await create(facts, name)
    const stream = await container.attach({ stream: true, stdout: true, stderr: true })
    await container.start()
    await orAbort(untilReady(stream), signal)
    signal.throwIfAborted()
    const life = lifeOf(container)
    return {
      id: container.id,
      container,
      get gone() {
        return life.ended
      },
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose() // also where the engine went away before it said that it had made one
    throw error
  }
}

function create(facts: HolderFacts, name: string): Promise<Docker.Container> {
  const { docker, image, maker, runtime, network, alias, walls, inside } = facts
  const kind = inside === null ? 'holder' : 'gate'
  return createContainer(docker, kind, {
    name,
    Image: image,
    Entrypoint: holderCommand(walls, kind),
    Cmd: [],
    Labels: labelsOf(maker, 'holder'),
    AttachStdout: true,
    AttachStderr: true,
    // Nobody in there would hear anything else: an engine that is stopped would wait its ten seconds for each of them.
    StopSignal: 'SIGKILL',
    HostConfig: inside === null ? holderConfig(network, runtime) : gateConfig(inside, network, runtime),
    ...(alias ? { NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [alias] } } } } : {}),
  })
}

async function untilReady(stream: NodeJS.ReadableStream): Promise<void> {
  let said = ''
  try {
    for await (const bytes of demux(stream as AsyncIterable<Buffer>)) {
      said = (said + Buffer.from(bytes).toString()).slice(0, MOST_CHARACTERS)
      if (said.split('\n').includes(READY)) return
    }
  } catch (error) {
    said += wordsOf(error)
  }
  throw new EngineError(
    'engine_unavailable',
    `The network of a run could not be closed against the engine's machine: ${said.trim() || 'no word of it'}`,
  )
}
