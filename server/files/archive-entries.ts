import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import { ARCHIVE_BOUNDS, type ArchiveEntry } from '#pipelines/wire/archive.ts'
import { Problem } from '../problem.ts'
import type { Store } from './store.ts'
import { unpack, type Unpacked } from './unpack.ts'

const never = new AbortController().signal

/** The index lies beside its archive in the store. */
const indexOf = (key: string) => `${key}.index`

export type EntryPage = {
  /** A path from the top; entries that begin with it, in the order of paths. */
  readonly prefix: string
  /** The last path of the page before; empty for the first page. */
  readonly after: string
  readonly limit: number
}

/** As it stands in the index: with the hash of its content, but for archives of old. */
export type IndexedEntry = ArchiveEntry & { readonly hash?: string }

/** A page of what is in an archive, read off its index. */
export async function entriesOf(
  store: Store,
  key: string,
  { prefix, after, limit }: EntryPage,
): Promise<ArchiveEntry[]> {
  const found: ArchiveEntry[] = []
  for await (const { hash: _, ...entry } of indexed(store, key)) {
    if (entry.path <= after || !entry.path.startsWith(prefix)) continue
    found.push(entry)
    if (found.length === limit) break
  }
  return found
}

/** All that is in an archive, in the order of paths. */
export async function* indexed(store: Store, key: string): AsyncGenerator<IndexedEntry> {
  const packed = await store.get(indexOf(key), never)
  if (!packed) throw missing(key)
  const unpacked = packed.pipe(createZstdDecompress())
  packed.on('error', (error) => unpacked.destroy(error))
  try {
    for await (const line of createInterface({ input: unpacked, crlfDelay: Infinity }))
      yield JSON.parse(line) as IndexedEntry // our own, written when the archive was checked
  } finally {
    packed.destroy()
  }
}

/** The whole archive, entry by entry. @throws {Problem} `files-not-found`. */
export async function* unpacked(store: Store, key: string): AsyncGenerator<Unpacked> {
  const packed = await store.get(key, never)
  if (!packed) throw missing(key)
  yield* unpack(packed, ARCHIVE_BOUNDS.cache)
}

/**
 * The content of one file, as a stream through all that is packed before it. Nothing is ever written where a path says.
 *
 * @returns Null when the archive has no such file.
 */
export async function fileIn(
  store: Store,
  key: string,
  path: string,
): Promise<{ entry: ArchiveEntry; content: Readable } | null> {
  const wanted = await entryAt(store, key, path)
  if (!wanted || wanted.kind === 'folder' || wanted.kind === 'symlink') return null
  const packed = await store.get(key, never)
  if (!packed) throw missing(key)
  const real = wanted.kind === 'hardlink' ? (wanted.target ?? '') : wanted.path
  const content = Readable.from(contentOf(packed, real), { objectMode: false })
  return {
    entry: { ...wanted, bytes: real === path ? wanted.bytes : await bytesAt(store, key, real) },
    content,
  }
}

/** Everything before the file is unpacked and passed over; what is behind it is not read. */
async function* contentOf(packed: Readable, path: string): AsyncGenerator<Buffer> {
  const entries = unpack(packed, ARCHIVE_BOUNDS.cache)
  for await (const { entry, content } of entries) {
    if (entry.path !== path || entry.kind !== 'file') continue
    yield* content
    return
  }
}

const bytesAt = async (store: Store, key: string, path: string) =>
  (await entryAt(store, key, path))?.bytes ?? 0

async function entryAt(store: Store, key: string, path: string): Promise<ArchiveEntry | null> {
  const [entry] = await entriesOf(store, key, { prefix: path, after: '', limit: 1 })
  return entry?.path === path ? entry : null
}

const missing = (key: string) =>
  new Problem('files-not-found', `the store has lost ${key}; restore it from a backup`)
