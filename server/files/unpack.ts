import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress } from 'node:zlib'
import tar from 'tar-stream'
import { type ArchiveBounds, type ArchiveEntry, ArchiveGuard } from '#pipelines/wire/archive.ts'
import { Problem } from '../problem.ts'

export type Unpacked = { readonly entry: ArchiveEntry; readonly content: AsyncIterable<Buffer> }

/**
 * The entries of a packed archive, one after the other and each checked, from a stream that nobody vouches for. A content that is
 * not read is passed over.
 *
 * @throws {Problem} `bad-archive`, naming the first thing in it that is not allowed.
 */
export async function* unpack(
  packed: Readable,
  bounds: ArchiveBounds,
): AsyncGenerator<Unpacked, ArchiveGuard> {
  const guard = new ArchiveGuard(bounds)
  const entries = tar.extract()
  const reading = pipeline(packed, createZstdDecompress(), entries)
  reading.catch(() => {}) // the loop below gets the same error
  try {
    for await (const content of entries as AsyncIterable<Reading>) {
      const entry = entryOf(content.header)
      const problem = typeof entry === 'string' ? entry : guard.problem(entry)
      if (typeof entry === 'string' || problem !== null) throw bad(problem ?? '')
      yield { entry, content }
      content.resume()
    }
    await reading
    return guard
  } catch (error) {
    throw error instanceof Problem ? error : bad(wordsOf(error))
  } finally {
    packed.destroy()
    entries.destroy()
  }
}

const bad = (detail: string) => new Problem('bad-archive', detail)
const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

type Reading = AsyncIterable<Buffer> & { readonly header: Header; resume(): void }
type Header = { name: string; type?: string | null; size?: number; mode?: number; linkname?: string | null }
const KINDS: Readonly<Record<string, ArchiveEntry['kind']>> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'folder',
  symlink: 'symlink',
  link: 'hardlink',
}

/** An entry of the tar in our words; a sentence when it is of a kind that has no place in an archive. */
function entryOf({ name, type, size = 0, mode = 0, linkname }: Header): ArchiveEntry | string {
  const kind = KINDS[type ?? 'file']
  if (!kind) return `${JSON.stringify(name.slice(0, 200))} is a ${type}, not a file, a folder or a link`
  const path = name.replace(/\/+$/, '')
  const isFile = kind === 'file'
  if (!isFile && size !== 0) return `${JSON.stringify(name.slice(0, 200))} is a ${type} with a content`
  return {
    path,
    kind,
    bytes: size,
    mode: mode & 0o777,
    target: kind === 'hardlink' || kind === 'symlink' ? (linkname ?? '') : null,
  }
}
