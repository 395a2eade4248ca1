/**
 * What an archive of a run's files may hold, told to both ends: whoever packs one keeps to it, whoever is handed one checks it.
 *
 * Archives travel as tar inside zstd. Paths are relative to one folder, in `/`, and nothing in an archive leads out of it: not by
 * name, not by a link, not by a link through a link. There are files, folders and links; owners, times and devices do not count.
 */
export const ARCHIVE_TYPE = 'application/zstd'

export type ArchiveEntry = {
  readonly path: string
  readonly kind: 'file' | 'folder' | 'symlink' | 'hardlink'
  readonly bytes: number
  /** Of the owner, the group and all others: nine bits. */
  readonly mode: number
  /** Where a link points: a symlink from its own folder, a hardlink from the top. Null for what is none. */
  readonly target: string | null
}

export type ArchiveBounds = {
  /** A whole workspace is only ever unpacked as one again: links may point wherever they pointed there. Nothing lies behind them. */
  readonly anyLinks?: true
  readonly packedBytes: number
  readonly bytes: number
  readonly files: number
}

const GIB = 2 ** 30
export const ARCHIVE_BOUNDS = {
  kept: { packedBytes: 4 * GIB, bytes: 16 * GIB, files: 200_000 },
  folder: { packedBytes: 4 * GIB, bytes: 16 * GIB, files: 200_000 },
  cache: { packedBytes: 4 * GIB, bytes: 16 * GIB, files: 400_000 },
  workspace: { packedBytes: 8 * GIB, bytes: 32 * GIB, files: 400_000, anyLinks: true },
  state: { packedBytes: GIB / 4, bytes: GIB, files: 20_000 },
} as const satisfies Record<string, ArchiveBounds>

const MOST_PATH = 1_000
const MOST_PART_BYTES = 255
const MOST_DEPTH = 100

/** An archive as it is read from front to back; asked about each entry before anything is done with it. */
export class ArchiveGuard {
  readonly #bounds: ArchiveBounds
  readonly #links = new Set<string>()
  readonly #files = new Set<string>()
  #count = 0
  #bytes = 0

  constructor(bounds: ArchiveBounds) {
    this.#bounds = bounds
  }

  get files(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  /** @returns Why the archive cannot be taken with this entry, in words that name it; null when it can, and is counted. */
  problem(entry: ArchiveEntry): string | null {
    const problem = this.wrong(entry) ?? this.full(entry)
    if (problem === null) this.take(entry)
    return problem
  }

  /** Why this entry has no place in an archive; null when it has. */
  wrong(entry: ArchiveEntry): string | null {
    const words = pathProblem(entry.path) ?? this.#wrongLink(entry)
    if (words !== null) return `${shown(entry.path)} ${words}`
    return Number.isSafeInteger(entry.bytes) && entry.bytes >= 0 ? null : `${shown(entry.path)} has no size`
  }

  /** Why there is no more room for it; null when there is. */
  full({ bytes }: ArchiveEntry): string | null {
    if (this.#count + 1 > this.#bounds.files) return `it holds more than ${this.#bounds.files} entries`
    if (this.#bytes + bytes > this.#bounds.bytes)
      return `its files have more than ${inMib(this.#bounds.bytes)} together`
    return null
  }

  take({ path, kind, bytes }: ArchiveEntry): void {
    this.#count++
    this.#bytes += bytes
    if (kind === 'symlink') this.#links.add(path)
    else if (kind === 'file') this.#files.add(path)
  }

  #wrongLink({ path, kind, target }: ArchiveEntry): string | null {
    if (this.#links.has(path)) return 'stands where a link stood before'
    const through = foldersOf(path).find((folder) => this.#links.has(folder))
    if (through !== undefined) return `lies behind the link ${shown(through)}`
    if (kind === 'hardlink')
      return target !== null && this.#files.has(target)
        ? null
        : `is the same file as ${shown(target ?? '')}, which is not in the archive before it`
    if (kind === 'symlink' && this.#bounds.anyLinks) return isTarget(target ?? '') ? null : 'links to no path'
    return kind === 'symlink' && leadsOut(path, target ?? '')
      ? `links to ${shown(target ?? '')}, which is not inside`
      : null
  }
}

/** Why a path is none that an archive may name, in words; null when it may. */
export function pathProblem(path: string): string | null {
  const parts = path.split('/')
  if (path === '' || path.length > MOST_PATH) return `has a name of 0 or more than ${MOST_PATH} characters`
  if (path.includes('\0') || path.includes('\u{FFFD}')) return 'has a name that is no UTF-8 text'
  if (parts.length > MOST_DEPTH) return `lies more than ${MOST_DEPTH} folders deep`
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    return 'has a name with an empty part, `.` or `..` in it'
  if (parts.some((part) => utf8Bytes(part) > MOST_PART_BYTES)) return 'has a name longer than 255 bytes'
  return null
}

/**
 * Whether a symlink in the folder of `path` can lead out. Climbing is allowed only at the target's beginning, where the folders
 * are known to be no links: behind a name, `..` would be taken from wherever that name leads.
 */
function leadsOut(path: string, target: string): boolean {
  if (!isTarget(target) || target.startsWith('/')) return true
  const parts = target.split('/').filter((part) => part !== '' && part !== '.')
  const down = parts.findIndex((part) => part !== '..')
  const climbs = down < 0 ? parts.length : down
  return climbs > path.split('/').length - 1 || parts.slice(climbs).includes('..')
}

const isTarget = (target: string) => target !== '' && !target.includes('\0') && target.length <= MOST_PATH

const foldersOf = (path: string): string[] => {
  const parts = path.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** Enough of a name to know it by, with nothing in it that a terminal or a log could take for more than letters. */
const shown = (path: string) => JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path)

const inMib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`

/** The length of a text in UTF-8, without the machine's encoder. */
const utf8Bytes = (text: string): number =>
  [...text].reduce((sum, letter) => {
    const point = letter.codePointAt(0) ?? 0
    return sum + (point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4)
  }, 0)
