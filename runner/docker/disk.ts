import { execFile } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { stat, statfs } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { Sizes, Weights } from './weights.ts'

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
  readonly weights: Pick<Weights, 'get'>
  readonly limitBytes: number
  readonly written: () => Written
  /** Called again only when a tenth more was written after that. */
  readonly full: (usedBytes: number) => void
  readonly failed: (error: unknown) => void
  /** The pause before each look, where the engine's folders are here and where they are not. */
  readonly everyMs?: { readonly near: number; readonly far: number }
}

/** Weigh what a run writes, and tell when it is more than it may be. Ends when it is disposed of. */
export function watchDisk(facts: DiskFacts): Disposable {
  const end = new AbortController()
  void watch(facts, end.signal).catch((error: unknown) => {
    if (!end.signal.aborted) facts.failed(error)
  })
  return { [Symbol.dispose]: () => end.abort() }
}

/** What was seen so far: of the run, and of the disk's free space. */
type Seen = { mostBytes: number; freeBytes: number }

/** A weighing that goes wrong is told, once, and the next one is waited for: else the run would have no limit from then on. */
async function watch(facts: DiskFacts, signal: AbortSignal): Promise<void> {
  const seen = { mostBytes: facts.limitBytes, freeBytes: Number.POSITIVE_INFINITY }
  const { near: nearMs, far: farMs } = facts.everyMs ?? { near: LOOK_MS, far: FAR_MS }
  let told = false
  for (;;) {
    const near = await isHere(facts.written().folders)
    await delay(near ? nearMs : farMs, undefined, { signal, ref: false })
    const begun = performance.now()
    try {
      await look(facts, seen, near ? 'near' : 'far')
    } catch (error) {
      if (!told && !signal.aborted) facts.failed(error)
      told = true
    }
    await delay(REST * (performance.now() - begun), undefined, { signal, ref: false })
  }
}

async function look(
  { weights, limitBytes, written, full }: DiskFacts,
  seen: Seen,
  where: 'near' | 'far',
): Promise<void> {
  const what = written()
  const free = where === 'near' ? await freeAt(what.folders[0]) : Number.NEGATIVE_INFINITY
  // Nothing much was written by anybody since the last weighing.
  if (Number.isFinite(seen.freeBytes) && seen.freeBytes - free < limitBytes / 50) return
  const usedBytes = where === 'near' ? await weigh(what.folders) : weightOf(what, await weights.get())
  seen.freeBytes = free
  if (usedBytes <= seen.mostBytes) return
  full(usedBytes)
  seen.mostBytes = usedBytes * 1.1
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

/** Files come and go meanwhile: what `du` says of those is no failure, and can be more than a buffer holds. */
const DU = 'exec du -skx -- "$@" 2>/dev/null'

/**
 * What the folders take on disk.
 *
 * @throws Where none of them is on this machine.
 */
export async function weigh(folders: readonly string[]): Promise<number> {
  const { stdout } = await run('/bin/sh', ['-c', DU, 'du', ...folders]).catch((error: unknown) => {
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

/** The same by the engine's own account. */
function weightOf({ containers, volumes }: Written, sizes: Sizes): number {
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
