import { createHash } from 'node:crypto'
import tar from 'tar-stream'
import { ARCHIVE_BOUNDS } from '#pipelines/wire/archive.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import { Refusal } from '../call-server.ts'
import { EngineError, FOLDERS } from '../engine.ts'
import { CACHES, KNOWN_TOOLS } from './cache-tools.ts'
import type { Load } from './freight.ts'
import { inBytes } from './in-bytes.ts'
import { selectionOf } from './patterns.ts'
import { sendFiles } from './send-files.ts'
import { unpackInto } from './unpack-into.ts'

type Cache = Plan['caches'][number]

/**
 * The folders of tools as an earlier run left them. A cache that cannot be had costs time and nothing else: it is told, not an error.
 *
 * @returns The names of those that were made of the very same files.
 */
export async function bringCaches(load: Load): Promise<ReadonlySet<string>> {
  const fresh = new Set<string>()
  for (const cache of load.work.plan.caches) {
    const unknown = cache.paths.length === 0 && !KNOWN_TOOLS.includes(cache.name)
    if (unknown) {
      await load.say(
        `Cache ${cache.name}: no tool of that name is known; say its \`paths\`. Known are ${KNOWN_TOOLS.join(', ')}.\n`,
      )
      continue
    }
    const match = await toldApart(load, cache, async () => {
      const from = `caches/${cache.name}/${await keyOf(load, cache)}`
      const headers = await unpackInto(load, { from, to: placeOf(cache) })
      return headers?.get('takt-match') ?? 'none'
    })
    await load.say(`Cache ${cache.name}: ${WORDS[match ?? ''] ?? 'not used'}\n`)
    if (match === 'exact') fresh.add(cache.name)
  }
  return fresh
}

const WORDS: Readonly<Record<string, string>> = {
  exact: 'found',
  near: 'found, of other contents',
  none: 'begun',
}

/** What the tools of a run that succeeded have fetched anew, for the next one. */
export async function keepCaches(load: Load, fresh: ReadonlySet<string>): Promise<void> {
  for (const cache of load.work.plan.caches) {
    const unknown = cache.paths.length === 0 && !KNOWN_TOOLS.includes(cache.name)
    if (fresh.has(cache.name) || unknown) continue
    await toldApart(load, cache, async () => {
      const selection =
        cache.paths.length > 0 ? selectionOf(cache.paths) : { roots: [''], matches: () => true }
      const { files, bytes } = await sendFiles(load, {
        ...selection,
        folder: placeOf(cache),
        bounds: ARCHIVE_BOUNDS.cache,
        words: `The cache ${cache.name}`,
        to: `caches/${cache.name}/${await keyOf(load, cache)}`,
      })
      await load.say(`Cache ${cache.name}: kept ${files} files, ${inBytes(bytes)}\n`)
    })
  }
}

/** A tool's own folder, or the working directory that the paths begin in. */
const placeOf = ({ name, paths }: Cache) => (paths.length > 0 ? FOLDERS.work : `${CACHES}/${name}`)

/** Nothing that happens to a cache ends a run, but the end of the run itself and a server that is away. */
async function toldApart<T>(load: Load, cache: Cache, act: () => Promise<T>): Promise<T | null> {
  try {
    return await act()
  } catch (error) {
    load.signal.throwIfAborted()
    if (error instanceof EngineError || (error instanceof Refusal && error.code === 'stale-lease'))
      throw error
    await load.say(`Cache ${cache.name}: ${error instanceof Error ? error.message : String(error)}\n`)
    return null
  }
}

/**
 * What a cache is good for: the machine and image that its tools ran on, then the contents of the files it depends on. One made of
 * other contents is still worth having; one of another machine is not.
 */
async function keyOf(load: Load, { name, key, paths }: Cache): Promise<string> {
  const { image } = load.work.plan
  const made = JSON.stringify([process.platform, process.arch, image, name, paths])
  const contents = createHash('sha256')
  for (const line of await contentsOf(load, key)) contents.update(line)
  return `${createHash('sha256').update(made).digest('hex').slice(0, 16)}-${contents.digest('hex')}`
}

/** A line for each file that the patterns name, in the order of paths: what is not there is no line. */
async function contentsOf({ workspace, signal }: Load, patterns: readonly string[]): Promise<string[]> {
  const { roots, matches } = selectionOf(patterns)
  const lines: string[] = []
  for (const root of roots) {
    const at = [FOLDERS.work, root].filter((part) => part !== '').join('/')
    const files = await workspace.read(at, signal)
    if (!files) continue
    const parent = at.split('/').slice(1, -1)
    const entries = tar.extract()
    files.on('error', (error) => entries.destroy(error)).pipe(entries as unknown as NodeJS.WritableStream)
    for await (const entry of entries as AsyncIterable<AsyncIterable<Buffer> & { header: tar.Header }>) {
      const named = root === '' ? entry.header.name.split('/').slice(1) : [...parent, entry.header.name]
      const path = named.join('/')
      if (entry.header.type !== 'file' || !matches(path)) continue
      const hash = createHash('sha256')
      for await (const piece of entry) hash.update(piece)
      lines.push(`${JSON.stringify(path)} ${hash.digest('hex')}\n`)
    }
  }
  return lines.sort()
}
