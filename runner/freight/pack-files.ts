import { once } from 'node:events'
import { Readable } from 'node:stream'
import { createZstdCompress } from 'node:zlib'
import tar from 'tar-stream'
import { type ArchiveBounds, type ArchiveEntry, ArchiveGuard } from '#pipelines/wire/archive.ts'
import { StepFailed, type Workspace } from '../engine.ts'
import { orAbort } from '../stop.ts'
import { type Found, type Reading, readFiles } from './read-files.ts'

export type Packing = Reading & {
  readonly bounds: ArchiveBounds
  /** What the archive is for, as it stands in a sentence about it. */
  readonly words: string
  /** It is to be a workspace again: owners are kept, and what has no place in it ends the packing, but for what is no file. */
  readonly whole?: true
}

/** An archive while it is read; what it came to is known at its end. */
export type Packed = {
  readonly stream: Readable
  readonly found: () => Contents
}
export type Contents = {
  readonly files: number
  readonly bytes: number
  /** Why something is not in it, a sentence each. */
  readonly leftOut: readonly string[]
}

/**
 * Files of a workspace as an archive, packed while it is read. Entries that have no place in one (a link that leads out, a
 * device, a name that is no text) are left out, and told.
 *
 * The stream ends with `StepFailed` where there is more than fits. One that is destroyed ends what it reads.
 */
export function packFiles(workspace: Workspace, packing: Packing): Packed {
  const guard = new ArchiveGuard(packing.bounds)
  const leftOut: string[] = []
  const pack = tar.pack()
  const stream = createZstdCompress()
  const closed = new AbortController()
  // Read to its end, or given up: then nobody ever asks for more, and what is read from has to be let go.
  stream.once('close', () => closed.abort())
  const signal = AbortSignal.any([packing.signal, closed.signal])
  const fill = async () => {
    for await (const found of readFiles(workspace, { ...packing, signal })) {
      const wanted = wantedOf(found, guard, packing)
      if (typeof wanted === 'string') leftOut.push(wanted)
      else await orAbort(put(pack, wanted, { ...found, whole: packing.whole }), signal)
    }
    pack.finalize()
  }
  const plain = Readable.from(pack as AsyncIterable<Buffer>, { objectMode: false })
  plain.on('error', (error) => stream.destroy(error)).pipe(stream)
  fill().catch((error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))))
  return { stream, found: () => ({ files: guard.files, bytes: guard.bytes, leftOut }) }
}

/** The entry as it goes into the archive, and is counted; a sentence where it has no place there. */
function wantedOf(
  { header, path, named }: Found,
  guard: ArchiveGuard,
  { words, whole }: Pick<Packing, 'words' | 'whole'>,
): ArchiveEntry | string {
  const { type, size = 0, mode = 0o644, linkname } = header
  const kind = KINDS[type ?? 'file']
  if (!kind) return `${JSON.stringify(path)} is a ${type}`
  const target = kind === 'hardlink' ? named(linkname ?? '') : kind === 'symlink' ? (linkname ?? '') : null
  const entry = { path, kind, bytes: kind === 'file' ? size : 0, mode: mode & 0o777, target }
  const wrong = guard.wrong(entry)
  if (wrong !== null && whole) throw new StepFailed(1, `${words} cannot be taken: ${wrong}.`)
  if (wrong !== null) return wrong
  const full = guard.full(entry)
  if (full !== null) throw new StepFailed(1, `${words} cannot be taken: ${full}.`)
  guard.take(entry)
  return entry
}

const KINDS: Readonly<Record<string, ArchiveEntry['kind']>> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'folder',
  symlink: 'symlink',
  link: 'hardlink',
}
const TYPES = { file: 'file', folder: 'directory', symlink: 'symlink', hardlink: 'link' } as const

/** Times stay as they are, tools go by them; whose it was does not count outside of the workspace. */
async function put(
  pack: tar.Pack,
  entry: ArchiveEntry,
  { header: { mtime, uid, gid }, content, whole }: Found & Pick<Packing, 'whole'>,
): Promise<void> {
  const { path: name, kind, bytes: size, mode, target } = entry
  const owner = whole ? { uid: uid ?? 0, gid: gid ?? 0 } : { uid: 0, gid: 0 }
  const header = { name, type: TYPES[kind], size, mode, ...owner, ...(mtime ? { mtime } : {}) }
  const written = Promise.withResolvers<void>()
  const sink = pack.entry(target === null ? header : { ...header, linkname: target }, (error) =>
    error ? written.reject(error) : written.resolve(),
  ) as unknown as NodeJS.WritableStream
  if (kind !== 'file') return
  for await (const piece of content)
    if (!sink.write(piece)) await Promise.race([once(sink, 'drain'), written.promise])
  sink.end()
  await written.promise
}
