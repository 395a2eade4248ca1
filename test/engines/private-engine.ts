import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { importDemo, staticBusybox } from '../../runner/docker/demo-image.ts'
import { until } from '../support/until.ts'
import { run, TEST_IMAGE } from './test-image.ts'

/** A Docker engine that belongs to one test: it may be killed. On a network of its own, so that the machine's engine keeps its. */
export type PrivateEngine = AsyncDisposable & {
  readonly docker: Docker
  /** The value of `DOCKER_HOST`. */
  readonly host: string
  /** Ends it with this signal, and resolves when it is gone. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** What an operator does who is short of room: everything goes that no container uses. */
  prune(): Promise<void>
  /** Gives it the test image. */
  load(): Promise<void>
  /** Begins it on the same folders. */
  start(): Promise<void>
}

export type PrivateFacts = {
  /** The size of the disk for all that it keeps, as `mount` writes it; without one it is the machine's own. */
  readonly disk?: string
  readonly flags?: readonly string[]
}

/** Why there can be none here, or null. On CI that is no excuse. */
export async function whyNoPrivateEngine(): Promise<string | null> {
  if (process.env['CI'] === 'true') return null
  if (process.getuid?.() !== 0) return 'only root can start an engine'
  for (const program of ['dockerd', 'containerd', 'ip', 'nsenter']) {
    const there = await run('sh', ['-c', `command -v ${program}`]).then(
      () => true,
      () => false, // not installed
    )
    if (!there) return `${program} is not installed`
  }
  return null
}

let count = 0

const CONFIG = 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n'

/** It has the test image, and no other. */
export async function privateEngine({ disk, flags = [] }: PrivateFacts = {}): Promise<PrivateEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'takt-engine-'))
  const space = `tke${process.pid % 100_000}-${count++}`
  const data = join(folder, 'data')
  await mkdir(data)
  if (disk) await run('mount', ['-t', 'tmpfs', '-o', `size=${disk}`, 'tmpfs', data])
  await run('ip', ['netns', 'add', space])
  await run('ip', ['-n', space, 'link', 'set', 'lo', 'up'])
  const socketPath = join(folder, 'sock')
  const docker = new Docker({ socketPath })
  const begin = async (...program: string[]) => {
    const out = await open(join(folder, 'log'), 'a')
    const started = spawn('nsenter', [`--net=/run/netns/${space}`, ...program], {
      stdio: ['ignore', out.fd, out.fd],
    })
    await out.close()
    return started
  }
  const below = join(folder, 'containerd.sock')
  let child: ChildProcess | null = null
  const start = async () => {
    const own = ['--data-root', data, '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid')]
    const on = ['-H', `unix://${socketPath}`, '--containerd', below, '--bridge', 'none']
    child = await begin('dockerd', ...on, ...own, ...flags)
    await until(() => docker.ping(), { withinMs: 60_000, everyMs: 50 })
  }
  const stop = async (signal: 'SIGTERM' | 'SIGKILL') => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  const load = async () => importDemo(docker, { repository: TEST_IMAGE, busybox: await staticBusybox() })
  const prune = async () => {
    await docker.pruneContainers()
    await docker.pruneNetworks()
    await docker.pruneVolumes()
    await docker.pruneImages({ filters: { dangling: ['false'] } })
  }
  const dispose = async () => {
    const late = setTimeout(() => child?.kill('SIGKILL'), 30_000)
    await stop('SIGTERM')
    clearTimeout(late)
    for (const pid of await processesOf(folder)) process.kill(pid, 'SIGKILL')
    await until(async () => (await processesOf(folder)).length === 0)
    for (const path of await mountsIn(folder)) await run('umount', ['-l', path])
    await run('ip', ['netns', 'del', space])
    await rm(folder, { recursive: true, force: true })
  }
  try {
    // Beside it, as most machines have it: its containers live on when the engine itself is killed.
    await writeFile(join(folder, 'containerd.toml'), CONFIG)
    const kept = ['--root', join(data, 'containerd'), '--state', join(folder, 'state'), '--address', below]
    await begin('containerd', '--config', join(folder, 'containerd.toml'), ...kept)
    await start()
    await load()
  } catch (error) {
    await dispose()
    throw error
  }
  return { docker, host: `unix://${socketPath}`, stop, start, prune, load, [Symbol.asyncDispose]: dispose }
}

/** What it left behind when it was killed: all that name its folder are its own. */
async function processesOf(folder: string): Promise<number[]> {
  const found: number[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') // it has just ended
    if (line.includes(`${folder}/`)) found.push(Number(pid))
  }
  return found
}

/** Innermost first. */
async function mountsIn(folder: string): Promise<string[]> {
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  const paths = mounts.split('\n').flatMap((line) => line.split(' ')[1] ?? [])
  return paths.filter((path) => path.startsWith(`${folder}/`)).reverse()
}
