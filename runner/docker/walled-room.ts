import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import { EngineError } from '../engine.ts'
import { textOf } from './demux.ts'
import { BUILDS, createContainer } from './door.ts'
import type { Holders } from './holders.ts'
import { insideConfig } from './host-config.ts'
import { labelsOf, type Maker } from './labels.ts'
import type { Limits } from './limits.ts'
import { NETWORK } from './network.ts'
import type { Remains } from './remains.ts'
import { ENTER, INSIDE, READY } from './wall.ts'

const MOST_BYTES = 2_000

export type RoomFacts = {
  readonly docker: Docker
  readonly maker: Maker
  readonly remains: Remains
  readonly runtime: 'crun' | null
  readonly holders: Holders
  readonly limits: Limits
  readonly labels: Readonly<Record<string, string>>
}

/**
 * A network namespace for containers that the engine makes by itself, with powers that nobody asked us about: they reach what a
 * run reaches, even with frames that they write themselves, because the only way out is a gate in a namespace of its own.
 */
export type WalledRoom = AsyncDisposable & {
  /** `container:…`, as a network mode. */
  readonly networkMode: string
  /** Below it the kernel counts all that runs in here against the limits; null where the engine cannot say it so. */
  readonly cgroup: string | null
}

/** @throws {EngineError} `engine_unavailable`, where it could not be closed. */
export async function openRoom(facts: RoomFacts, signal: AbortSignal): Promise<WalledRoom> {
  const { docker, maker, remains, runtime, holders, limits, labels } = facts
  await using undo = new AsyncDisposableStack()
  const name = `takt-room-${randomBytes(6).toString('hex')}`
  undo.defer(() => remains.container(name))
  const counted = await countsBelow(docker)
  const inside = await createContainer(docker, 'inside', {
    name,
    Image: holders.image,
    Entrypoint: [...INSIDE],
    Cmd: [],
    Labels: { ...labels, ...labelsOf(maker, 'room') },
    StopSignal: 'SIGKILL',
    HostConfig: insideConfig({ limits, runtime }, counted),
  })
  await inside.start()
  signal.throwIfAborted()
  const gate = undo.use(await holders.gate(inside.id, signal))
  await enter(inside, await addressOf(gate.container))
  const made = undo.move()
  return {
    networkMode: `container:${inside.id}`,
    cgroup: counted ? `${BUILDS}/${inside.id}` : null,
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  }
}

/** Where the engine keeps control groups as plain folders of the older kind, one may be put below another's, and counts for both. */
async function countsBelow(docker: Docker): Promise<boolean> {
  const { CgroupDriver, CgroupVersion } = (await docker.info()) as Readonly<Record<string, unknown>>
  return CgroupDriver === 'cgroupfs' && CgroupVersion === '1'
}

async function addressOf(gate: Docker.Container): Promise<string> {
  const { NetworkSettings } = await gate.inspect()
  return NetworkSettings.Networks[NETWORK]?.IPAddress ?? ''
}

async function enter(inside: Docker.Container, address: string): Promise<void> {
  const Cmd = ['/bin/sh', '-c', ENTER, 'room', address]
  const exec = await inside.exec({ Cmd, AttachStdout: true, AttachStderr: true })
  const said = await textOf(await exec.start({}), MOST_BYTES)
  if (said.split('\n').includes(READY)) return
  throw new EngineError(
    'engine_unavailable',
    `The network of a build could not be closed against the engine's machine: ${said.trim() || 'no word of it'}`,
  )
}
