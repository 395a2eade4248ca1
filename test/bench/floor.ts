import { randomBytes } from 'node:crypto'
import Docker from 'dockerode'
import type { RunId } from '#pipelines/ids.ts'
import { containerOptions } from '../../runner/docker/container.ts'
import { demux } from '../../runner/docker/demux.ts'

export const docker = new Docker()
const LIMITS = { memoryBytes: 4 * 2 ** 30, cpus: 2, pids: 1024 }
const IMAGE = 'takt-demo:1'

/**
 * What Docker itself takes for a run's container, by a bare script: create, attach, start, one line said. Nothing of Takt but
 * the container's options, so that both are the same container.
 *
 * @returns Milliseconds from the first call until it was started, and until its first byte arrived.
 */
export async function bareContainer(): Promise<{ startedMs: number; firstByteMs: number }> {
  const name = `takt-floor-${randomBytes(4).toString('hex')}`
  const begin = performance.now()
  const plan = { run: 0 as RunId, attempt: 1 }
  const container = await docker.createContainer(
    containerOptions({ plan, image: IMAGE, name, volume: name, runner: 'floor', limits: LIMITS }),
  )
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

/** Runs are numbered anew for each server; containers of an earlier one are not looked at. */
const SINCE_S = Math.floor(Date.now() / 1_000)

/** When the engine says it started the container of a run, in milliseconds since 1970. */
export async function startedAt(run: number, signal: AbortSignal): Promise<number> {
  const filters = JSON.stringify({ type: ['container'], event: ['start'], label: [`dev.takt.run=${run}`] })
  const events = await docker.getEvents({ filters, since: SINCE_S, abortSignal: signal })
  for await (const lines of events)
    return Number(JSON.parse(String(lines).split('\n')[0] ?? '').timeNano) / 1e6
  throw new Error(`no container of run ${run} was started`)
}
