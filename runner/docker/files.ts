import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { EngineError, FOLDERS } from '../engine.ts'
import { partsOf } from '../workspace-path.ts'
import { retar } from '../resources/retar.ts'
import { DIRECTORY } from './container.ts'
import { forAll, isShared } from './fill.ts'
import { pack, sending } from './pack.ts'
import { isStatus, wordsOf } from './refusal.ts'

/**
 * The engine's own way into a container's files, also of one that has ended. It resolves links inside the container, and never
 * on its machine: nothing of the machine can be read or written through them.
 */
export async function readFiles(
  container: Docker.Container,
  path: string,
  signal: AbortSignal,
): Promise<Readable | null> {
  const full = [DIRECTORY, ...partsOf(path)].join('/')
  try {
    const stream = await container.getArchive({ path: full, abortSignal: signal })
    return Readable.from(stream, { objectMode: false })
  } catch (error) {
    signal.throwIfAborted()
    if (isStatus(error, 404)) return null
    throw refused(`Files could not be read from ${path}`, error)
  }
}

export type Writing = {
  readonly tar: Readable
  /** As whom the job's image runs, an empty string for root: what another one finds has to be everybody's. */
  readonly user: string
  readonly signal: AbortSignal
}

export async function writeFiles(
  container: Docker.Container,
  path: string,
  { tar: given, user, signal }: Writing,
): Promise<void> {
  const parts = partsOf(path)
  const tar = isShared(user) ? retar(given, (entry) => ({ ...entry, mode: forAll(entry) })) : given
  try {
    if (parts.length > 1 || !isFolder(parts[0])) await makeFolders(container, parts, { user, signal })
    const full = [DIRECTORY, ...parts].join('/')
    await sending(tar, signal, (abortSignal) => container.putArchive(tar, { path: full, abortSignal }))
  } catch (error) {
    signal.throwIfAborted()
    throw refused(`Files could not be unpacked in ${path}`, error)
  }
}

/**
 * A whole workspace, as another container had it. It is unpacked from the container's own top: there the engine takes no link of it
 * for one that leads out, and it follows none.
 */
export async function restoreFiles(
  container: Docker.Container,
  { tar: given, signal }: Pick<Writing, 'tar' | 'signal'>,
): Promise<void> {
  const below = (name: string) => `${DIRECTORY.slice(1)}/${name}`
  const tar = retar(
    given,
    (entry) => ({
      ...entry,
      name: below(entry.name),
      linkname: entry.type === 'link' ? below(entry.linkname) : entry.linkname,
    }),
    { ownerOf: ({ uid = 0, gid = 0 }) => ({ uid, gid }) },
  )
  try {
    await sending(tar, signal, (abortSignal) => container.putArchive(tar, { path: '/', abortSignal }))
  } catch (error) {
    signal.throwIfAborted()
    throw refused('The workspace could not be restored', error)
  }
}

const isFolder = (name: string | undefined) => Object.values<string | undefined>(FOLDERS).includes(name)

/** The engine unpacks into folders that are there; a folder is a tar like any other. */
async function makeFolders(
  container: Docker.Container,
  parts: readonly string[],
  { user, signal }: Pick<Writing, 'user' | 'signal'>,
): Promise<void> {
  const shape = await mkdtemp(join(tmpdir(), 'takt-folders-'))
  try {
    await mkdir(join(shape, ...parts), { recursive: true })
    const tarred = pack(shape, (header) => (isShared(user) ? forAll(header) : header.mode | 0o755))
    await sending(tarred, signal, (abortSignal) =>
      container.putArchive(tarred, { path: DIRECTORY, abortSignal }),
    )
  } finally {
    await rm(shape, { recursive: true, force: true })
  }
}

const refused = (what: string, error: unknown) =>
  new EngineError(
    isStatus(error, 400, 403, 404) ? 'files_refused' : 'engine_unavailable',
    `${what}: ${wordsOf(error)}`,
    {
      cause: error,
    },
  )
