import { type EventEmitter, once } from 'node:events'
import { Readable } from 'node:stream'
import { createZstdCompress } from 'node:zlib'
import tar from 'tar-stream'
import { type ArchiveBounds, type ArchiveEntry, ArchiveGuard } from '#pipelines/wire/archive.ts'
import { StepFailed, type Workspace } from '../engine.ts'

export type Packing = {
  /** The folder of the workspace that the archive's paths begin in, e.g. `work`. */
  readonly folder: string
  /** What is read, from `folder`; `''` is all of it. */
  readonly roots: readonly string[]
  readonly matches: (path: string) => boolean
  readonly bounds: ArchiveBounds
  /** What the archive is for, as it stands in a sentence about it. */
  readonly words: string
  readonly signal: AbortSignal
}

/** An archive while it is read; what it came to is known at its end. */
export type Packed = {
  readonly stream: Readable
  readonly found: () => {
    readonly files: number
    readonly bytes: number
    readonly leftOut: readonly string[]
  }
}

/**
 * Files of a workspace as an archive, packed while it is read. Entries that have no place in one (a link that leads out, a
 * device, a name that is no text) are left out, and told.
 */
export function packFiles(workspace: Workspace, packing: Packing): Packed {
  const guard = new ArchiveGuard(packing.bounds)
  const leftOut: string[] = []
  const pack = tar.pack()
  const stream = createZstdCompress()
  const fill = async () => {
    for (const root of packing.roots) {
      const files = await workspace.read(placeOf(packing.folder, root), packing.signal)
      if (files) await copy(files, pack, { ...packing, root, guard, leftOut })
    }
    pack.finalize()
  }
  Readable.from(pack as AsyncIterable<Buffer>)
    .on('error', (error) => stream.destroy(error))
    .pipe(stream)
  fill().catch((error: unknown) => pack.destroy(error instanceof Error ? error : new Error(String(error))))
  return { stream, found: () => ({ files: guard.files, bytes: guard.bytes, leftOut }) }
}

type Copying = Packing & { readonly root: string; readonly guard: ArchiveGuard; readonly leftOut: string[] }

async function copy(files: Readable, pack: tar.Pack, copying: Copying): Promise<void> {
  const entries = tar.extract()
  files.on('error', (error) => entries.destroy(error))
  files.pipe(entries as unknown as NodeJS.WritableStream)
  try {
    for await (const content of entries as AsyncIterable<Content>) {
      const entry = chosen(content.header, copying)
      if (entry) await put(pack, { entry, mtime: content.header.mtime, content })
    }
  } finally {
    files.destroy()
  }
}

type Content = AsyncIterable<Buffer> & { readonly header: tar.Header }
type Putting = {
  readonly entry: ArchiveEntry
  readonly mtime: Date | undefined
  readonly content: AsyncIterable<Buffer>
}

const TYPES = { file: 'file', folder: 'directory', symlink: 'symlink', hardlink: 'link' } as const

async function put(pack: tar.Pack, { entry, mtime, content }: Putting): Promise<void> {
  const { path: name, kind, bytes: size, mode, target } = entry
  const header = { name, type: TYPES[kind], size, mode, mtime, uid: 0, gid: 0 }
  const written = Promise.withResolvers<void>()
  const sink = pack.entry(target === null ? header : { ...header, linkname: target }, (error) =>
    error ? written.reject(error) : written.resolve(),
  )
  if (kind !== 'file') return
  for await (const piece of content)
    if (!sink.write(piece))
      await Promise.race([once(sink as unknown as EventEmitter, 'drain'), written.promise])
  sink.end()
  await written.promise
}

/** The entry as it goes into the archive; null where it is not wanted, or has no place there. */
function chosen(header: tar.Header, { matches, guard, leftOut, ...at }: Copying): ArchiveEntry | null {
  const named = namer(at.folder, at.root)
  const path = named(header.name)
  if (path === '' || !matches(path)) return null
  const entry = entryOf(header, path, named)
  const wrong = entry ? guard.wrong(entry) : `${JSON.stringify(path)} is a ${header.type}`
  if (!entry || wrong !== null) {
    leftOut.push(wrong ?? path)
    return null
  }
  const full = guard.full(entry)
  if (full !== null) throw new StepFailed(1, `${at.words} cannot be taken: ${full}.`)
  guard.take(entry)
  return entry
}

/** The stream's names begin with the last part of what was read; the archive's begin below `folder`, which itself has none. */
function namer(folder: string, root: string): (name: string) => string {
  const parent = placeOf(folder, root).split('/').slice(0, -1).join('/')
  return (name) => {
    const path = placeOf(parent, name.replace(/\/+$/, ''))
    return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : ''
  }
}

const placeOf = (...parts: readonly string[]) => parts.filter((part) => part !== '').join('/')

const KINDS: Readonly<Record<string, ArchiveEntry['kind']>> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'folder',
  symlink: 'symlink',
  link: 'hardlink',
}

/** Null for what is no file, folder or link. */
function entryOf(header: tar.Header, path: string, named: (name: string) => string): ArchiveEntry | null {
  const { type, size = 0, mode = 0o644, linkname } = header
  const kind = KINDS[type ?? 'file']
  if (!kind) return null
  const target = kind === 'hardlink' ? named(linkname ?? '') : kind === 'symlink' ? (linkname ?? '') : null
  return { path, kind, bytes: kind === 'file' ? size : 0, mode: mode & 0o777, target }
}
