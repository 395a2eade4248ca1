import { createHash } from 'node:crypto'
import { ARCHIVE_BOUNDS } from '#pipelines/wire/archive.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import { Refusal } from '../call-server.ts'
import { CACHES, EngineError, FOLDERS } from '../engine.ts'
import { KNOWN_TOOLS } from './cache-tools.ts'
import type { Load } from './load.ts'
import { inBytes } from './in-bytes.ts'
import { selectionOf } from './patterns.ts'
import { readFiles } from './read-files.ts'
import { sendFiles } from './send-files.ts'
import { unpackInto } from './unpack-into.ts'

type Cache = Plan['caches'][number]

/** A cache of a run that is going on: what it is called on the server, and whether that holds the very same already. */
export type OpenCache = { readonly cache: Cache; readonly key: string; readonly isFresh: boolean }

/**
 * The folders of tools as an earlier run left them. A cache that cannot be had costs time and nothing else: it is told, not an
 * error.
 */
export async function bringCaches(load: Load): Promise<OpenCache[]> {
  const open: OpenCache[] = []
  for (const cache of load.work.plan.caches) {
    if (cache.paths.length === 0 && !KNOWN_TOOLS.includes(cache.name)) {
      await load.say(`Cache ${cache.name}: ${NO_TOOL}\n`)
      continue
    }
    await forgiving(load, cache, async () => {
      const { key, files } = await keyOf(load, cache)
      if (files === 0)
        await load.say(
          `Cache ${cache.name}: its key is made of no file: nothing is there at ${cache.key.join(', ')}\n`,
        )
      const headers = await unpackInto(load, { from: `caches/${cache.name}/${key}`, to: placeOf(cache) })
      const match = headers?.get('takt-match') ?? 'none'
      open.push({ cache, key, isFresh: match === 'exact' })
      await load.say(`Cache ${cache.name}: ${WORDS[match] ?? match}\n`)
    })
  }
  return open
}

/** Those of the part of the run before this one: their content came with its workspace. */
export const openAgain = ({ caches, resume }: Pick<Plan, 'caches' | 'resume'>): OpenCache[] =>
  (resume?.carried.caches ?? []).flatMap(({ name, key, isFresh }) => {
    const cache = caches.find((each) => each.name === name)
    return cache ? [{ cache, key, isFresh }] : []
  })

const NO_TOOL = `no tool of that name is known; say its \`paths\`. Known are ${KNOWN_TOOLS.join(', ')}.`
const WORDS: Readonly<Record<string, string>> = {
  exact: 'found',
  near: 'found one of other contents',
  none: 'there is none yet',
}

/** What the tools of a run that succeeded have fetched anew, for the next one. */
export async function keepCaches(load: Load, open: readonly OpenCache[]): Promise<void> {
  for (const { cache, key } of open.filter(({ isFresh }) => !isFresh))
    await forgiving(load, cache, async () => {
      const all = { roots: [''], matches: () => true }
      const { files, bytes } = await sendFiles(load, {
        ...(cache.paths.length > 0 ? selectionOf(cache.paths) : all),
        folder: placeOf(cache),
        bounds: ARCHIVE_BOUNDS.cache,
        words: `The cache ${cache.name}`,
        to: `caches/${cache.name}/${key}`,
      })
      await load.say(`Cache ${cache.name}: kept ${files} files, ${inBytes(bytes)}\n`)
    })
}

/** A tool's own folder, or the working directory that the paths begin in. */
const placeOf = ({ name, paths }: Cache) => (paths.length > 0 ? FOLDERS.work : `${CACHES}/${name}`)

const ENDINGS = ['server_unavailable', 'engine_unavailable', 'stale-lease']

/** Nothing that happens to a cache ends a run, but the end of the run itself and a server that is away. */
async function forgiving(load: Load, { name }: Cache, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    load.signal.throwIfAborted()
    const code = error instanceof EngineError || error instanceof Refusal ? error.code : ''
    if (ENDINGS.includes(code)) throw error
    await load.say(`Cache ${name}: ${error instanceof Error ? error.message : String(error)}\n`)
  }
}

/**
 * What a cache is good for: the machine and image that its tools ran on, then the contents of the files it depends on. One made
 * of other contents is still worth having; one of another machine is not.
 */
async function keyOf({ work, workspace, signal }: Load, { name, key, paths }: Cache): Promise<Key> {
  const made = JSON.stringify([process.platform, process.arch, work.plan.image, name, paths])
  const lines: string[] = []
  for await (const found of readFiles(workspace, { ...selectionOf(key), folder: FOLDERS.work, signal })) {
    if (found.header.type !== 'file') continue
    const hash = createHash('sha256')
    for await (const piece of found.content) hash.update(piece)
    lines.push(`${JSON.stringify(found.path)} ${hash.digest('hex')}`)
  }
  const hex = (text: string) => createHash('sha256').update(text).digest('hex')
  return { key: `${hex(made).slice(0, 16)}-${hex(lines.sort().join('\n'))}`, files: lines.length }
}

/** @property files  How many it is made of; of none it stays the same for ever, and so does the cache. */
type Key = { readonly key: string; readonly files: number }
