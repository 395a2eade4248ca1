import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Binaries } from './embedded-binaries.ts'
import { BARE_ENVIRONMENT } from './embedded-cluster.ts'
import type { Home } from './embedded-home.ts'

/** PostgreSQL's first process. It may be our child, or one that a killed server left running. */
export type Postmaster = {
  readonly pid: number
  /** The file it runs; ends in ` (deleted)` when that file was replaced under it. */
  readonly program: string
  readonly socket: string
  readonly origin: 'started' | 'adopted'
  /** Resolves when the process is no more. */
  readonly gone: Promise<void>
}

export type Settings = Readonly<Record<string, string>>

/** A small machine's PostgreSQL: one socket, few helpers, no memory taken that a line of jobs will not use. */
const SETTINGS: Settings = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '100',
  shared_buffers: '128MB',
  work_mem: '8MB',
  maintenance_work_mem: '32MB',
  effective_cache_size: '512MB',
  random_page_cost: '1.1',
  max_wal_size: '512MB',
  checkpoint_timeout: '15min',
  io_method: 'sync',
  max_worker_processes: '4',
  max_parallel_workers_per_gather: '0',
  autovacuum_max_workers: '2',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
}

/** The running postmaster of this cluster, or null: its file alone proves nothing, the process must stand in the cluster. */
export async function findPostmaster(cluster: string): Promise<Postmaster | null> {
  const file = await readPidFile(cluster)
  if (!file || !(await standsIn(file.pid, cluster))) return null
  const program = await readlink(`/proc/${file.pid}/exe`).catch(() => '') // it ended just now; `gone` will say so
  return {
    pid: file.pid,
    program,
    socket: file.socket,
    origin: 'adopted',
    gone: untilGone(file.pid, cluster),
  }
}

/** Start a postmaster. It is no part of our process group, and lives on when we are killed. */
export async function launchPostmaster(
  home: Home,
  binaries: Binaries,
  more: { logFile: string; settings?: Settings | undefined },
): Promise<Postmaster> {
  const settings = { ...SETTINGS, unix_socket_directories: home.socket, ...more.settings }
  const args = [
    '-D',
    home.cluster,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const identity = home.as ? { uid: home.as.uid, gid: home.as.gid } : {}
  await using output = await open(more.logFile, 'a', 0o640)
  const child = spawn(binaries.postgres, args, {
    ...identity,
    cwd: dirname(home.cluster),
    env: BARE_ENVIRONMENT,
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await once(child, 'spawn')
  child.unref()
  return { pid: child.pid ?? 0, program: binaries.postgres, socket: home.socket, origin: 'started', gone }
}

/** Wait until the postmaster takes connections. False when it ended instead. */
export async function becomesReady(
  cluster: string,
  postmaster: Postmaster,
  signal?: AbortSignal,
): Promise<boolean> {
  let over = false
  void postmaster.gone.then(() => (over = true))
  while (!over) {
    const file = await readPidFile(cluster)
    if (file?.pid === postmaster.pid && file.status === 'ready') return true
    await delay(5, undefined, { signal })
  }
  return false
}

const FAST_MS = 10_000
const IMMEDIATE_MS = 5_000

/** End a postmaster: politely (clients are cut off, all is written), then at once (the next start recovers), then by force. */
export async function endPostmaster(cluster: string, postmaster: Postmaster): Promise<void> {
  const steps = [
    ['SIGINT', FAST_MS],
    ['SIGQUIT', IMMEDIATE_MS],
    ['SIGKILL', IMMEDIATE_MS],
  ] as const
  for (const [signal, patienceMs] of steps) {
    tell(postmaster.pid, signal)
    const patience = new AbortController()
    const late = delay(patienceMs, 'late', { signal: patience.signal }).catch(() => 'late') // called off, nobody listens
    const outcome = await Promise.race([postmaster.gone, late])
    patience.abort()
    if (outcome !== 'late') return
  }
  await endStrays(cluster)
}

/** Kill what a dead postmaster left behind, and wait until it is gone: it holds the shared memory, and no new one could start. */
async function endStrays(cluster: string): Promise<void> {
  for (let strays = await processesIn(cluster); strays.length > 0; strays = await processesIn(cluster)) {
    for (const pid of strays) tell(pid, 'SIGKILL')
    await delay(5)
  }
}

async function processesIn(cluster: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0)
  const inside = await Promise.all(pids.map((pid) => standsIn(pid, cluster)))
  return pids.filter((_, index) => inside[index])
}

/** Clear away what a PostgreSQL that did not end by itself left behind: children, and files that name a dead process. */
export async function clearAfterCrash({ cluster, socket }: Home): Promise<void> {
  const file = await readPidFile(cluster)
  if (!file) return
  await endStrays(cluster)
  if (await standsIn(file.pid, cluster)) return
  // Its number may be somebody else's by now, or a zombie's that nobody collects; PostgreSQL would believe its old files.
  await rm(join(cluster, 'postmaster.pid'), { force: true })
  await rm(join(socket, '.s.PGSQL.5432.lock'), { force: true })
}

function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended between being seen and being told, which is what we wanted.
  }
}

/** Whether the process is a PostgreSQL of this cluster: each works in its data directory, whatever its number was before. */
async function standsIn(pid: number, cluster: string): Promise<boolean> {
  try {
    const [cwd, program] = await Promise.all([readlink(`/proc/${pid}/cwd`), readlink(`/proc/${pid}/exe`)])
    return cwd === cluster && /\/postgres( \(deleted\))?$/.test(program)
  } catch {
    return false // it is gone, or it belongs to somebody else and cannot be ours
  }
}

/** The kernel tells nobody but the parent that a process ended, so this one is looked at now and then. */
async function untilGone(pid: number, cluster: string): Promise<void> {
  while (await standsIn(pid, cluster)) await delay(100, undefined, { ref: false })
}

async function readPidFile(cluster: string): Promise<{ pid: number; socket: string; status: string } | null> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '') // no file: none is running
  const lines = text.split('\n').map((line) => line.trim())
  const pid = Number(lines[0])
  return pid > 0 ? { pid, socket: lines[4] ?? '', status: lines[7] ?? '' } : null
}
