import { z } from 'zod'
import { Readable } from 'node:stream'
import { ARCHIVE_BOUNDS } from '#pipelines/wire/archive.ts'
import type { Get, Put } from '#pipelines/wire/plan.ts'
import { type CallServer, Refusal } from '../call-server.ts'
import { EngineError, FOLDERS, StepFailed } from '../engine.ts'
import { type Packed, packFiles } from '../freight/pack-files.ts'
import { selectionOf } from '../freight/patterns.ts'
import { unpackInto } from '../freight/unpack-into.ts'
import type { Fields, Place } from '../resources.ts'
import { clearInput } from './clear-input.ts'

type FolderGet = Extract<Get, { kind: 'files' | 'state' }>
type FolderPut = Extract<Put, { kind: 'files' | 'state' }>

const Stored = z.object({ version: z.string() })
/** So many entries that were left out are named. */
const MOST_NAMED = 20

const sayIn =
  ({ write }: Place) =>
  (text: string) =>
    write(Buffer.from(text))

/** Bring the files of a version into the run's inputs; there are none before the first put. */
export async function getFolder(
  call: CallServer,
  { resource, version }: FolderGet,
  at: Place,
): Promise<Fields> {
  if (version === '') {
    await sayIn(at)(`Nothing was put into ${resource} yet.\n`)
    return {}
  }
  await clearInput(resource, at)
  const from = `folders/${encodeURIComponent(resource)}/${encodeURIComponent(version)}`
  const load = { call, work: at.work, workspace: at.workspace, signal: at.signal, say: sayIn(at) }
  await inWords(resource, () => unpackInto(load, { from, to: `${FOLDERS.inputs}/${resource}` }))
  return {}
}

/**
 * Take files of the working directory out of the run, into the server's store.
 *
 * @returns What the store calls them: the same files always have the same name.
 * @throws {StepFailed} Where there are none.
 */
export async function putFolder(call: CallServer, put: FolderPut, at: Place): Promise<string> {
  const { resource } = put
  const patterns = put.paths.length > 0 ? put.paths : (at.work.plan.keep ?? [])
  if (patterns.length === 0)
    throw new StepFailed(1, `The put names no \`paths\` for \`${resource}\`, and the job keeps nothing.`)
  const tries: Packed[] = []
  const body = async () => {
    tries.at(-1)?.stream.destroy()
    const packed = packFiles(at.workspace, {
      ...selectionOf(patterns),
      folder: FOLDERS.work,
      bounds: ARCHIVE_BOUNDS.folder,
      words: `What is put into ${resource}`,
      signal: at.signal,
    })
    tries.push(packed)
    return Readable.toWeb(packed.stream) as ReadableStream
  }
  const path = `folders/${encodeURIComponent(resource)}`
  const version = await inWords(resource, async () => {
    const answer = await call(at.work, { method: 'PUT', path, body, signal: at.signal })
    return Stored.parse(await answer.json()).version
  })
  const { files, leftOut } = tries.at(-1)?.found() ?? { files: 0, leftOut: [] }
  for (const words of leftOut.slice(0, MOST_NAMED)) await sayIn(at)(`Left out: ${words}\n`)
  if (files > 0) return version
  throw new StepFailed(1, `Nothing in the working directory matches ${patterns.join(', ')}.`)
}

/** The server's refusal is the step's end, in its words. */
async function inWords<T>(resource: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw new EngineError('files_refused', `Files of \`${resource}\` could not be moved: ${error.message}.`, {
      cause: error,
    })
  }
}
