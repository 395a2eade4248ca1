import { execFile } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { stat, statfs } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type Docker from 'dockerode'
import { z } from 'zod'

const run = promisify(execFile)
const LOOK_MS = 1_000
/** To weigh every file costs time: this many times as long nothing is weighed afterwards. */
const REST = 10
/** Where the engine is on another machine it has to weigh, and weighs everything it has. */
const FAR_MS = 20_000
/** Less than this is as good as nothing. */
const FULL_BYTES = 16 * 2 ** 20

/** What of a run lies on the engine's disk: folders of its machine, and the same things by the engine's own names. */
export type Written = {
  readonly folders: readonly string[]
  readonly containers: readonly string[]
  readonly volumes: readonly string[]
}

export type DiskFacts = {
  readonly docker: Docker
  readonly limitBytes: number
  readonly written: () => Written
  /** Called again only when a tenth more was written after that. */
  readonly full: (usedBytes: number) => void
  readonly failed: (error: unknown) => void
}

/** Weigh what a run writes, and tell when it is more than it may be. Ends when it is disposed of. */
export function watchDisk(facts: DiskFacts): Disposable {
  const end = new AbortController()
  void watch(facts, end.signal).catch((error: unknown) => {
    if (!end.signal.aborted) facts.failed(error)
  })
  return { [Symbol.dispose]: () => end.abort() }
}

async function watch({ docker, limitBytes, written, full }: DiskFacts, signal: AbortSignal): Promise<void> {
  let mostBytes = limitBytes
  let freeBytes = Number.POSITIVE_INFINITY
  for (;;) {
    const what = written()
    const near = await isHere(what.folders)
    await delay(near ? LOOK_MS : FAR_MS, undefined, { signal, ref: false })
    const free = near ? await freeAt(what.folders[0]) : 0
    // Nothing much was written by anybody since the last weighing.
    if (near && freeBytes - free < limitBytes / 50 && freeBytes !== Number.POSITIVE_INFINITY) continue
    const begun = performance.now()
    const usedBytes = near ? await weigh(what.folders) : await askEngine(docker, what)
    freeBytes = free
    if (usedBytes > mostBytes) {
      full(usedBytes)
      mostBytes = usedBytes * 1.1
    }
    await delay(REST * (performance.now() - begun), undefined, { signal, ref: false })
  }
}

/** Whether the engine's folders are on this machine. */
const isHere = (folders: readonly string[]): Promise<boolean> =>
  Promise.all(folders.map((folder) => stat(folder))).then(
    (found) => found.length > 0,
    () => false, // another machine's
  )

async function freeAt(folder = '/'): Promise<number> {
  const { bfree, bsize } = await statfs(folder)
  return bfree * bsize
}

/** What the folders take on disk. Files come and go meanwhile: what `du` says of those is no failure. */
async function weigh(folders: readonly string[]): Promise<number> {
  const options = { maxBuffer: 2 ** 24 }
  const { stdout } = await run('du', ['-skx', '--', ...folders], options).catch((error: unknown) => {
    if (
      error instanceof Error &&
      'stdout' in error &&
      typeof error.stdout === 'string' &&
      error.stdout !== ''
    )
      return { stdout: error.stdout }
    throw error
  })
  return stdout.split('\n').reduce((sum, line) => sum + (Number.parseInt(line, 10) || 0) * 1024, 0)
}

async function askEngine(docker: Docker, { containers, volumes }: Written): Promise<number> {
  const sizes: {
    Containers?: { Id: string; SizeRw?: number }[] | null
    Volumes?: { Name: string; UsageData?: { Size: number } | null }[] | null
  } = await docker.df()
  const layers = (sizes.Containers ?? []).filter(({ Id }) => containers.includes(Id))
  const kept = (sizes.Volumes ?? []).filter(({ Name }) => volumes.includes(Name))
  return (
    layers.reduce((sum, { SizeRw = 0 }) => sum + SizeRw, 0) +
    kept.reduce((sum, { UsageData }) => sum + Math.max(0, UsageData?.Size ?? 0), 0)
  )
}

const Graph = z.object({ GraphDriver: z.object({ Data: z.object({ UpperDir: z.string() }) }) })

/** Where what a container writes beside its volumes lies on the engine's machine; null where the engine does not say. */
export const layerOf = (inspected: object): string | null =>
  Graph.safeParse(inspected).data?.GraphDriver.Data.UpperDir ?? null

/** Whether nothing more fits on the disk with this folder of the engine; false where nobody here can know. */
export function isFull(folder: string | null): boolean {
  if (folder === null) return false
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize < FULL_BYTES
  } catch {
    return false // the engine is on another machine
  }
}
