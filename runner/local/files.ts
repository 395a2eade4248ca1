import { chmod, lstat, mkdir, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import tar from 'tar-fs'
import { EngineError } from '../engine.ts'
import { partsOf } from '../workspace-path.ts'

type Into = { readonly path: string; readonly tar: Readable; readonly signal: AbortSignal }

/** The files at a path below `root` as a tar stream, what is no file, folder or link left out; null where nothing is. */
export async function readFrom(root: string, path: string): Promise<Readable | null> {
  const place = await reach(root, partsOf(path))
  if (!place) return null
  const asTheyAre = { entries: [basename(place)], strict: false, umask: 0 }
  return Readable.from(tar.pack(dirname(place), asTheyAre), { objectMode: false })
}

/** Unpack a tar stream below a path, links out of it refused. */
export async function writeInto(root: string, { path, tar: stream, signal }: Into): Promise<void> {
  try {
    await pipeline(stream, tar.extract(await folderAt(root, path), { map: ownedByUs }), { signal })
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof EngineError) throw error
    throw refused(path, wordsOf(error), error)
  }
}

/**
 * A whole workspace, as another one was. What is unpacked later goes through no link of it. Folders get their own mode and time when
 * all is in them: some let nobody write, and whatever is put into one changes its time.
 */
export async function restoreIn(root: string, { tar: stream, signal }: Omit<Into, 'path'>): Promise<void> {
  const folders: { readonly name: string; readonly mode: number; readonly mtime: Date }[] = []
  const map = (header: tar.Headers): tar.Headers => {
    if (header.type !== 'directory') return ownedByUs(header)
    folders.push({ name: header.name, mode: header.mode, mtime: header.mtime ?? new Date() })
    return { ...ownedByUs(header), mode: header.mode | 0o700 }
  }
  const asTheyAre = { map, umask: 0, validateSymlinks: false }
  try {
    await pipeline(stream, tar.extract(root, asTheyAre), { signal })
    for (const { name, mode, mtime } of folders.toReversed()) {
      const place = join(root, ...partsOf(name))
      await utimes(place, mtime, mtime)
      await chmod(place, mode & 0o777)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw refused('the workspace', wordsOf(error), error)
  }
}

/** The folder at a path, made where it is missing, and reached through no link. */
async function folderAt(root: string, path: string): Promise<string> {
  let place = root
  for (const part of partsOf(path)) {
    place = join(place, part)
    const found = await lstat(place).catch(() => null) // nothing there: it is made
    if (!found) await mkdir(place)
    else if (!found.isDirectory()) throw refused(path, `${part} is no folder`)
  }
  return place
}

const refused = (path: string, words: string, cause?: unknown) =>
  new EngineError('files_refused', `Files could not be unpacked in ${path}: ${words}`, { cause })

/** The path below `root`, where each part but the last is a folder and no link; null where nothing is there. */
async function reach(root: string, parts: readonly string[]): Promise<string | null> {
  let place = root
  for (const [index, part] of parts.entries()) {
    place = join(place, part)
    const found = await lstat(place).catch(() => null) // nothing there: an answer
    if (!found) return null
    if (index < parts.length - 1 && !found.isDirectory()) return null
  }
  return place
}

/** Who owned a file elsewhere is nobody here. */
const ownedByUs = (header: tar.Headers): tar.Headers => ({
  ...header,
  uid: process.getuid?.() ?? header.uid,
  gid: process.getgid?.() ?? header.gid,
})

const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
