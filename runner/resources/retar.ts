import { Readable } from 'node:stream'
import tar from 'tar-stream'

/** An entry of an archive, as far as it is passed on. */
export type Entry = Pick<tar.Header, 'name' | 'type' | 'linkname' | 'mode' | 'mtime'>
type Owner = Partial<Pick<tar.Header, 'uid' | 'gid'>>

/** Folders, files and links; devices, pipes and what else there is have no place among a run's files. */
const PASSED: readonly tar.Header['type'][] = ['file', 'contiguous-file', 'directory', 'symlink', 'link']

/**
 * An archive whose entries are named anew, everything in it owned by root where nothing else is asked for; what it does not pass
 * on is left out.
 *
 * Pulls: a file is read only as far as the new archive is asked for. An error on either side ends the other one too.
 *
 * @param change  Null leaves the entry out.
 * @param last     Stands behind all of them, and is what a reader finds where one of them has the same name.
 */
export function retar(
  from: NodeJS.ReadableStream,
  change: (entry: Entry) => Entry | null,
  { ownerOf = () => ROOT, last = null }: RetarOptions = {},
): Readable {
  const pack = tar.pack()
  const to = Readable.from(pack, { objectMode: false })
  to.on('error', () => {}) // whoever reads it hears of it, also one who begins later
  const pass: Passing = (header, size) => {
    const passed = PASSED.includes(header.type) ? change(header) : null
    return passed && { ...headerOf(passed, size), ...ownerOf(header) }
  }
  pour(Readable.from(from), pack, { pass, last }).catch((error: unknown) =>
    to.destroy(error instanceof Error ? error : new Error(String(error))),
  )
  return to
}

type RetarOptions = {
  readonly ownerOf?: (entry: Owner) => Owner
  readonly last?: { readonly name: string; readonly text: string } | null
}

const ROOT: Owner = { uid: 0, gid: 0 }
type Passed = ReturnType<typeof headerOf> & Owner
type Passing = (header: tar.Header, size: number | undefined) => Passed | null

type Pouring = { readonly pass: Passing; readonly last: RetarOptions['last'] }

async function pour(from: Readable, pack: tar.Pack, { pass, last }: Pouring): Promise<void> {
  const extract = tar.extract()
  from.once('error', (error) => extract.destroy(error))
  pack.once('close', () => from.destroy()) // read to its end, or given up
  from.pipe(asWritable(extract))
  for await (const entry of extract) {
    const passed = pass(entry.header, entry.header.size)
    if (passed) await copy(entry, pack, passed)
    else entry.resume()
  }
  if (last) pack.entry({ name: last.name, mtime: new Date(0), ...ROOT }, last.text)
  pack.finalize()
}

const isFile = (type: tar.Header['type']) => type === 'file' || type === 'contiguous-file'

const headerOf = ({ name, type, linkname, mode, mtime }: Entry, size: number | undefined) => ({
  name,
  type: isFile(type) ? ('file' as const) : type,
  linkname,
  mode,
  mtime,
  size: isFile(type) ? (size ?? 0) : 0,
})

type Source = tar.Extract extends AsyncIterable<infer Each> ? Each : never

function copy(entry: Source, pack: tar.Pack, header: Passed): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve())
    const sink = pack.entry(header, done)
    if (header.type === 'file') entry.once('error', reject).pipe(sink)
    else entry.resume()
  })
}

/** The package's streams are Node's in all but their types. */
const asWritable = (extract: tar.Extract) => extract as unknown as NodeJS.WritableStream

/** The entry under another first part of its name; null for one that is not below it. A hard link's target moves along. */
export function renamed(
  entry: Entry,
  { from, to }: { readonly from: string; readonly to: string },
): Entry | null {
  const move = (name: string) => {
    const path = name.replace(/^(\.?\/)+/, '')
    return path === from || path.startsWith(`${from}/`) ? `${to}${path.slice(from.length)}` : null
  }
  const name = move(entry.name)
  if (name === null) return null
  if (entry.type !== 'link') return { ...entry, name }
  const linkname = move(entry.linkname)
  return linkname === null ? null : { ...entry, name, linkname }
}

/** An archive of one empty folder that everybody may write to, and the folders on the way to it. */
export function emptyFolder(path: string): Readable {
  const pack = tar.pack()
  const parts = path.split('/').slice(1) // the first one is the image's own
  parts.forEach((_, index) => {
    const name = path
      .split('/')
      .slice(0, index + 2)
      .join('/')
    pack.entry({ name: `${name}/`, type: 'directory', mode: 0o777, mtime: new Date(0) })
  })
  pack.finalize()
  return Readable.from(pack, { objectMode: false })
}
