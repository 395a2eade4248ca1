import { z } from 'zod'
import { ARCHIVE_BOUNDS } from '#pipelines/wire/archive.ts'
import type { Get, Put } from '#pipelines/wire/plan.ts'
import { type CallServer, Refusal } from '../call-server.ts'
import { EngineError, FOLDERS, StepFailed } from '../engine.ts'
import { selectionOf } from '../freight/patterns.ts'
import { sendFiles } from '../freight/send-files.ts'
import { unpackInto } from '../freight/unpack-into.ts'
import type { Fields, Place } from '../resources.ts'
import { clearInput } from './clear-input.ts'

type FolderGet = Extract<Get, { kind: 'files' | 'state' }>
type FolderPut = Extract<Put, { kind: 'files' | 'state' }>

const Stored = z.object({ version: z.string() })

const loadOf = (call: CallServer, { work, workspace, signal, write }: Place) => ({
  ...{ call, work, workspace, signal },
  say: (text: string) => write(Buffer.from(text)),
})

/** Bring the files of a version into the run's inputs; there are none before the first put. */
export async function getFolder(
  call: CallServer,
  { resource, version }: FolderGet,
  at: Place,
): Promise<Fields> {
  if (version === '') {
    await at.write(Buffer.from(`Nothing was put into ${resource} yet.\n`))
    return {}
  }
  await clearInput(resource, at)
  const from = `folders/${encodeURIComponent(resource)}/${encodeURIComponent(version)}`
  await inWords(resource, () => unpackInto(loadOf(call, at), { from, to: `${FOLDERS.inputs}/${resource}` }))
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
  const { answer, files } = await inWords(resource, () =>
    sendFiles(loadOf(call, at), {
      ...selectionOf(patterns),
      folder: FOLDERS.work,
      bounds: ARCHIVE_BOUNDS.folder,
      words: `What is put into ${resource}`,
      to: `folders/${encodeURIComponent(resource)}`,
    }),
  )
  const { version } = Stored.parse(JSON.parse(answer))
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
