import { createWriteStream } from 'node:fs'
import { link as makeLink, lstat, mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import tar from 'tar-stream'
import { StepFailed } from '../../engine.ts'

const MOST_FILES = 100_000
const MOST_BYTES = 2 * 2 ** 30
const EXECUTABLE = 0o111

const WHAT_TO_DO = 'make it a plain file, or leave it out with `paths`'

type Found = { readonly path: string; readonly parent: string; readonly header: tar.Header }

/**
 * Write a run's files into a folder of this machine, for git to look at. They are a stranger's: nothing is written outside of the
 * folder, and nothing through a link, because links are made when everything else is there and git does not follow them.
 */
export class LayOut {
  readonly #folder: string
  /** Where each stands, and what it says. */
  readonly #links = new Map<string, string>()
  #files = 0
  #bytes = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  /** @param parent  What the names in the archive are below of, from the folder; an empty one is the folder itself. */
  async write(files: Readable, parent: string): Promise<void> {
    const extract = tar.extract()
    files.once('error', (error) => extract.destroy(error))
    files.pipe(extract as unknown as NodeJS.WritableStream)
    try {
      for await (const entry of extract) {
        const path = pathOf(entry.header.name, parent)
        const { header } = entry
        if (path !== null) await this.#entry({ path, parent, header }, entry as AsyncIterable<Uint8Array>)
        entry.resume()
      }
    } finally {
      files.destroy()
    }
  }

  async #entry({ path, parent, header }: Found, content: AsyncIterable<Uint8Array>): Promise<void> {
    const { type, size, mode, linkname } = header
    this.#count(size)
    const at = join(this.#folder, path)
    if (type === 'directory') await mkdir(at, { recursive: true })
    else if (type === 'symlink') this.#links.set(path, linkname ?? '')
    else if (type === 'file' || type === 'contiguous-file') {
      await mkdir(dirname(at), { recursive: true })
      await pipeline(content, createWriteStream(at, { flags: 'wx', mode: mode & EXECUTABLE ? 0o755 : 0o644 }))
    } else if (type === 'link') await this.#sameAs(path, pathOf(linkname ?? '', parent))
    else throw new StepFailed(1, `\`${path}\` is a ${type}, which git cannot hold; ${WHAT_TO_DO}.`)
  }

  /** A hard link: one file of several names. Dropped, it would pass for removed. */
  async #sameAs(path: string, first: string | null): Promise<void> {
    const target = this.#links.get(first ?? '')
    if (target !== undefined) return void this.#links.set(path, target)
    const laid = first === null ? null : await lstat(join(this.#folder, first)).catch(() => null) // not laid out
    if (first === null || !laid?.isFile())
      throw new StepFailed(1, `\`${path}\` is a hard link to a file that is not committed; ${WHAT_TO_DO}.`)
    this.#count(laid.size)
    await mkdir(dirname(join(this.#folder, path)), { recursive: true })
    await makeLink(join(this.#folder, first), join(this.#folder, path))
  }

  #count(bytes: number): void {
    this.#files++
    this.#bytes += bytes
    if (this.#files > MOST_FILES || this.#bytes > MOST_BYTES)
      throw new StepFailed(
        1,
        `What is to be committed has more than ${MOST_FILES} files or ${MOST_BYTES / 2 ** 30} GiB; name what is meant in \`paths\`.`,
      )
  }

  /** After the last file. All folders that hold links are there before the first link is, so that none stands in a link. */
  async link(): Promise<void> {
    for (const path of this.#links.keys()) await mkdir(dirname(join(this.#folder, path)), { recursive: true })
    for (const [path, target] of this.#links) await symlink(target, join(this.#folder, path))
  }
}

/** Below the folder; null for the folder itself, for what belongs to git, and for what no archive of ours holds. */
function pathOf(name: string, parent: string): string | null {
  const all = name.replace(/\/$/, '').split('/')
  const parts = parent === '' ? all.slice(1) : [...parent.split('/').slice(0, -1), ...all]
  if (parts.length === 0 || parts.some((part) => ['', '.', '..'].includes(part) || part.includes('\0')))
    return null
  return parts.some((part) => part.toLowerCase() === '.git') ? null : parts.join('/')
}
