import { once } from 'node:events'
import { Readable } from 'node:stream'
import { createZstdCompress } from 'node:zlib'
import tar from 'tar-stream'
import { ARCHIVE_BOUNDS, type ArchiveEntry, pathProblem } from '#pipelines/wire/archive.ts'
import { indexed, unpacked } from '../files/archive-entries.ts'
import { type SavedArchive, saveArchive, type Vault } from '../files/save-archive.ts'
import { Problem } from '../problem.ts'

/** Files that are written, each whole, and paths that go: of a folder with all that is in it. */
export type FileChange = {
  readonly write: ReadonlyMap<string, Buffer>
  readonly remove: readonly string[]
}

/**
 * The archive with some of its files changed: a new one, packed as those of runs are and checked like them.
 *
 * @param key  Null where there is none yet.
 * @throws {Problem} `bad-state` where a path cannot be, or is not there to be removed; `bad-archive` where it is more than fits.
 */
export async function rewriteArchive(
  vault: Vault,
  key: string | null,
  change: FileChange,
  signal: AbortSignal,
): Promise<SavedArchive> {
  const entries = key === null ? [] : await Array.fromAsync(indexed(vault.store, key))
  const kept = keptOf(entries, change)
  const pack = tar.pack()
  const stream = createZstdCompress()
  const into: Packing = { pack, given: givenUp(stream) }
  const fill = async () => {
    if (key !== null) await copy(into, { entries: unpacked(vault.store, key), kept })
    for (const [path, content] of change.write)
      await put(into, { ...plain(path, content.length), mode: modeOf(entries, path) }, [content])
    pack.finalize()
  }
  const source = Readable.from(pack as AsyncIterable<Buffer>, { objectMode: false })
  source.on('error', (error) => stream.destroy(error)).pipe(stream)
  fill().catch((error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))))
  return saveArchive(vault, stream, { bounds: ARCHIVE_BOUNDS.state, signal })
}

type Packing = { readonly pack: tar.Pack; readonly given: Promise<never> }

/** Nobody takes more of it: then nobody waits for room either. */
function givenUp(stream: Readable): Promise<never> {
  const gone = new Promise<never>((_, reject) =>
    stream.once('close', () => reject(new Error('nobody reads the archive any more'))),
  )
  gone.catch(() => {}) // heard of where somebody waits for room
  return gone
}

/** Where an entry of before stands now: a file that is gone lives on under the first name that was the same file. */
type Kept = {
  readonly has: (path: string) => boolean
  readonly heirs: ReadonlyMap<string, string>
}

/** @throws {Problem} `bad-state`. */
function keptOf(entries: readonly ArchiveEntry[], { write, remove }: FileChange): Kept {
  const kinds = new Map(entries.map(({ path, kind }) => [path, kind]))
  const isIn = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`)
  for (const path of [...write.keys(), ...remove]) mustBePath(path)
  for (const path of remove)
    if (!entries.some((entry) => isIn(entry.path, path)))
      throw new Problem('bad-state', `there is no file ${JSON.stringify(path)} to remove; look at it again`)
  const has = (path: string) => !write.has(path) && !remove.some((gone) => isIn(path, gone))
  for (const path of write.keys()) mustHaveRoom(path, { kinds, has, others: [...write.keys()] })
  const heirs = new Map<string, string>()
  for (const { path, kind, target } of entries)
    if (kind === 'hardlink' && has(path) && target !== null && !has(target) && !heirs.has(target))
      heirs.set(target, path)
  return { has, heirs }
}

function mustBePath(path: string): void {
  const wrong = pathProblem(path)
  // oxlint-disable-next-line no-control-regex
  const words =
    wrong ?? (/[\u0000-\u001f\u007f-\u009f]/.test(path) ? 'has control characters in its name' : null)
  if (words !== null)
    throw new Problem(
      'bad-state',
      `${JSON.stringify(path.slice(0, 200))} ${words}; write a path from the top, such as \`cache/index.json\``,
    )
}

type Around = {
  readonly kinds: ReadonlyMap<string, ArchiveEntry['kind']>
  readonly has: (path: string) => boolean
  readonly others: readonly string[]
}

/** A file lies in folders, and where a folder is there is no file. */
function mustHaveRoom(path: string, { kinds, has, others }: Around): void {
  const folders = path.split('/').map((_, at, parts) => parts.slice(0, at).join('/'))
  const through = folders.find(
    (folder) =>
      folder !== '' &&
      (others.includes(folder) || (has(folder) && (kinds.get(folder) ?? 'folder') !== 'folder')),
  )
  if (through !== undefined)
    throw new Problem(
      'bad-state',
      `${JSON.stringify(path)} lies behind ${JSON.stringify(through)}, which is no folder`,
    )
  const isFolder =
    kinds.get(path) === 'folder' || [...kinds.keys()].some((each) => has(each) && each.startsWith(`${path}/`))
  if (isFolder)
    throw new Problem(
      'bad-state',
      `${JSON.stringify(path)} is a folder; remove it first, or write a file in it`,
    )
}

const plain = (path: string, bytes: number): ArchiveEntry => ({
  ...{ path, kind: 'file', bytes, mode: 0o644, target: null },
})
const modeOf = (entries: readonly ArchiveEntry[], path: string) =>
  entries.find((entry) => entry.path === path && entry.kind === 'file')?.mode ?? 0o644

type Copying = { readonly entries: ReturnType<typeof unpacked>; readonly kept: Kept }

async function copy(into: Packing, { entries, kept: { has, heirs } }: Copying): Promise<void> {
  for await (const { entry, content } of entries) {
    const heir = heirs.get(entry.path)
    const heirOfTarget = entry.target === null ? undefined : heirs.get(entry.target)
    if (heir !== undefined) await put(into, { ...entry, path: heir }, content)
    else if (!has(entry.path) || heirOfTarget === entry.path) continue
    else if (entry.kind === 'hardlink' && heirOfTarget !== undefined)
      await put(into, { ...entry, target: heirOfTarget }, content)
    else await put(into, entry, content)
  }
}

const TYPES = { file: 'file', folder: 'directory', symlink: 'symlink', hardlink: 'link' } as const

async function put(
  { pack, given }: Packing,
  { path: name, kind, bytes: size, mode, target }: ArchiveEntry,
  content: AsyncIterable<Buffer> | readonly Buffer[],
): Promise<void> {
  const header = { name, type: TYPES[kind], size, mode, uid: 0, gid: 0 }
  const written = Promise.withResolvers<void>()
  const sink = pack.entry(target === null ? header : { ...header, linkname: target }, (error) =>
    error ? written.reject(error) : written.resolve(),
  ) as unknown as NodeJS.WritableStream
  if (kind !== 'file') return
  for await (const piece of content)
    if (!sink.write(piece)) await Promise.race([once(sink, 'drain'), written.promise, given])
  sink.end()
  await Promise.race([written.promise, given])
}
