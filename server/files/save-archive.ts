import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { createZstdCompress } from 'node:zlib'
import type { ArchiveId } from '#pipelines/ids.ts'
import { type ArchiveBounds, type ArchiveEntry, ArchiveGuard } from '#pipelines/wire/archive.ts'
import type { Db } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import type { Store } from './store.ts'
import { unpack } from './unpack.ts'

export type Vault = { readonly db: Db; readonly store: Store }

/** An archive that lies in the store, whole, and belongs to nobody yet; the sweeper removes it where that stays so. */
export type SavedArchive = {
  readonly id: ArchiveId
  readonly bytes: number
  readonly files: number
  readonly packedBytes: number
  /** 64 hex digits that two archives share when the same files are in them, whenever they were packed. */
  readonly digest: string
}

type Saving = { readonly bounds: ArchiveBounds; readonly signal: AbortSignal }

/**
 * Put a packed archive into the store while it is read and checked, with an index of its entries beside it.
 *
 * @throws {Problem} `bad-archive` or `body-too-large`; nothing is kept then.
 */
export async function saveArchive(
  { db, store }: Vault,
  packed: Readable,
  { bounds, signal }: Saving,
): Promise<SavedArchive> {
  const random = randomBytes(16).toString('hex')
  const key = `archives/${random.slice(0, 2)}/${random}`
  // On record before it is there: whatever becomes of this process, the sweeper knows of it.
  const { id } = await db.insertInto('archives').values(half(key)).returning('id').executeTakeFirstOrThrow()
  const ended = new AbortController()
  const all = AbortSignal.any([signal, ended.signal])
  const copy = copying(packed, bounds.packedBytes)
  const survey = surveyOf(copy.second, bounds)
  const put = store.put(key, copy.first, all)
  try {
    const [{ lines, ...found }] = await Promise.all([survey, put])
    await store.put(`${key}.index`, Readable.from(lines).pipe(createZstdCompress()), signal)
    const saved = { ...found, packedBytes: copy.bytes() }
    const { digest, bytes, files, packedBytes: packed_bytes } = saved
    await db
      .updateTable('archives')
      .set({ digest, bytes, files, packed_bytes })
      .where('id', '=', id)
      .execute()
    return { id, ...saved }
  } catch (error) {
    ended.abort(error)
    for (const stream of [copy.first, copy.second, packed]) stream.destroy()
    await Promise.allSettled([put, survey])
    await Promise.all([store.remove(key), store.remove(`${key}.index`)])
    await db.deleteFrom('archives').where('id', '=', id).execute()
    // The store only sees that its stream was cut; the survey knows why.
    throw await survey.then(
      () => error,
      (cause: unknown) => (cause instanceof Problem ? cause : error),
    )
  }
}

const half = (key: string) => ({ key, packed_bytes: null, bytes: null, files: null, digest: null })

type Copying = { readonly first: Readable; readonly second: Readable; readonly bytes: () => number }

/** One stream as two, at the pace of the slower one. Where the second one ends early with an error, so does the first. */
function copying(source: Readable, mostBytes: number): Copying {
  let bytes = 0
  const second = new PassThrough()
  second.on('error', () => {}) // whoever reads it hears of it
  const closed = gone(second)
  closed.catch(() => {}) // heard of where somebody waits for it
  async function* pieces() {
    for await (const piece of source as AsyncIterable<Buffer>) {
      bytes += piece.length
      if (bytes > mostBytes)
        throw new Problem('body-too-large', `an archive of this kind has at most ${mostBytes} bytes`)
      if (!second.write(piece)) await Promise.race([once(second, 'drain'), closed])
      yield piece
    }
    second.end()
  }
  const first = Readable.from(pieces(), { objectMode: false })
  first.on('error', (error) => second.destroy(error))
  return { first, second, bytes: () => bytes }
}

const gone = (stream: Readable): Promise<never> =>
  new Promise((_, reject) =>
    stream.once('close', () => reject(new Error('nobody reads the archive any more'))),
  )

type Survey = Pick<SavedArchive, 'bytes' | 'files' | 'digest'> & { readonly lines: readonly string[] }

/** Read an archive to its end. @returns What is in it, and the lines of its index in the order of paths. */
async function surveyOf(packed: Readable, bounds: ArchiveBounds): Promise<Survey> {
  const seen = new Map<string, { entry: ArchiveEntry; hash: string }>()
  const entries = unpack(packed, bounds)
  let next = await entries.next()
  for (; !next.done; next = await entries.next()) {
    const { entry, content } = next.value
    const hash = createHash('sha256')
    for await (const piece of content as AsyncIterable<Buffer>) hash.update(piece)
    seen.set(entry.path, { entry, hash: hash.digest('hex') })
  }
  const sorted = [...seen.keys()].sort(byBytes).map((path) => seen.get(path))
  const digest = createHash('sha256')
  const lines = sorted
    .flatMap((one) => (one ? [one] : []))
    .map(({ entry, hash }) => {
      digest.update(JSON.stringify([entry.path, entry.kind, entry.mode, entry.target, hash]))
      return `${JSON.stringify({ ...entry, hash })}\n`
    })
  const { files, bytes }: ArchiveGuard = next.value
  return { files, bytes, digest: digest.digest('hex'), lines }
}

/** An order that every machine agrees on. */
const byBytes = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
