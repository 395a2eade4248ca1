import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { EngineError, FOLDERS } from '../engine.ts'
import { partsOf } from '../workspace-path.ts'
import { DIRECTORY } from './container.ts'
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

export async function writeFiles(
  container: Docker.Container,
  path: string,
  { tar, signal }: { readonly tar: Readable; readonly signal: AbortSignal },
): Promise<void> {
  const parts = partsOf(path)
  try {
    if (parts.length > 1 || !isFolder(parts[0])) await makeFolders(container, parts, signal)
    const full = [DIRECTORY, ...parts].join('/')
    await sending(tar, signal, (abortSignal) => container.putArchive(tar, { path: full, abortSignal }))
  } catch (error) {
    signal.throwIfAborted()
    throw refused(`Files could not be unpacked in ${path}`, error)
  }
}

const isFolder = (name: string | undefined) => Object.values<string | undefined>(FOLDERS).includes(name)

/** The engine unpacks into folders that are there; a folder is a tar like any other. */
async function makeFolders(
  container: Docker.Container,
  parts: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const shape = await mkdtemp(join(tmpdir(), 'takt-folders-'))
  try {
    await mkdir(join(shape, ...parts), { recursive: true })
    const tarred = pack(shape, ({ mode }) => mode | 0o755)
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
