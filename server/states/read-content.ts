import type { Store } from '../files/store.ts'
import { indexed, unpacked } from '../files/archive-entries.ts'

/** What of a file is looked at: what is shown of it, and as much more as a secret may have that begins there. */
export const SHOWN_BYTES = 256 * 1024
const MOST_OF_A_SECRET = 65_536

const READ_BYTES = SHOWN_BYTES + MOST_OF_A_SECRET

export type Beginning = { readonly bytes: number; readonly content: Buffer }

/** The beginnings of some files of an archive, read in one pass. A hard link has the content of what it is a link to. */
export async function beginningsOf(
  store: Store,
  key: string,
  paths: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Beginning>> {
  const named = new Map<string, string[]>()
  for await (const { path, kind, target } of indexed(store, key)) {
    if (!paths.has(path) || (kind !== 'file' && kind !== 'hardlink')) continue
    const real = kind === 'hardlink' ? (target ?? '') : path
    named.set(real, [...(named.get(real) ?? []), path])
  }
  const found = new Map<string, Beginning>()
  if (named.size === 0) return found
  for await (const { entry, content } of unpacked(store, key)) {
    const wanted = entry.kind === 'file' ? named.get(entry.path) : undefined
    if (!wanted) continue
    const begun = await beginning(content)
    for (const path of wanted) found.set(path, { bytes: entry.bytes, content: begun })
    named.delete(entry.path)
    if (named.size === 0) break
  }
  return found
}

async function beginning(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of content) {
    if (bytes < READ_BYTES) pieces.push(piece)
    bytes += piece.length
  }
  return Buffer.concat(pieces).subarray(0, READ_BYTES)
}

/** A beginning as text; null where it is none. A letter that was cut in two at the end is left out. */
export function textOf({ content, bytes }: Beginning): string | null {
  if (content.includes(0)) return null
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content, {
      stream: bytes > content.length,
    })
  } catch {
    return null // no UTF-8
  }
}

/** A beginning as it is shown, secrets hidden: first hidden and then cut, so that none is shown in part. */
export function shownOf(
  read: Beginning,
  mask: (text: string) => string,
): { text: string; isMasked: boolean } | null {
  const text = textOf(read)
  if (text === null) return null
  const hidden = mask(text)
  const isCut = read.bytes > read.content.length
  return { text: isCut ? hidden.slice(0, -MOST_OF_A_SECRET) : hidden, isMasked: hidden !== text }
}
