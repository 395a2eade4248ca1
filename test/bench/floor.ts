import { randomBytes } from 'node:crypto'
import Docker from 'dockerode'
import { DIRECTORY } from '../../runner/docker/container.ts'
import { demux } from '../../runner/docker/demux.ts'
import { workConfig } from '../../runner/docker/host-config.ts'
import { NETWORK } from '../../runner/docker/network.ts'
import { BOOTSTRAP } from '../../runner/shell.ts'

export const docker = new Docker()
const LIMITS = { memoryBytes: 4 * 2 ** 30, cpus: 2, pids: 1024 }
const IMAGE = 'takt-demo:1'

/** The options of a run's container, as a bare script would write them: the same hardening, the network's own bridge. */
export function bareOptions(name: string): Docker.ContainerCreateOptions {
  const volume = { name, target: DIRECTORY, labels: {} }
  const { config } = workConfig({ limits: LIMITS, runtime: null, holder: '', volume, privileged: false })
  return {
    ...{ name, Image: IMAGE, Entrypoint: ['/bin/sh', '-c', BOOTSTRAP], Cmd: [], WorkingDir: DIRECTORY },
    ...{ AttachStdin: true, AttachStdout: true, AttachStderr: true, OpenStdin: true, StdinOnce: true },
    HostConfig: { ...config, NetworkMode: NETWORK },
  }
}

/**
 * What Docker itself takes for a run's container, by a bare script: create, attach, start, one line said. Nothing of Takt but
 * the container's options, so that both are the same container.
 *
 * @returns Milliseconds from the first call until it was started, and until its first byte arrived.
 */
export async function bareContainer(): Promise<{ startedMs: number; firstByteMs: number }> {
  const name = `takt-floor-${randomBytes(4).toString('hex')}`
  const begin = performance.now()
  const container = await docker.createContainer(bareOptions(name))
  const stream = await container.attach({
    stream: true,
    stdin: true,
    stdout: true,
    stderr: true,
    hijack: true,
  })
  await container.start()
  const startedMs = performance.now() - begin
  stream.end('echo here\n')
  await demux(stream as never).next()
  const firstByteMs = performance.now() - begin
  await container.remove({ force: true, v: true })
  await docker.getVolume(name).remove()
  return { startedMs, firstByteMs }
}
