import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Docker from 'dockerode'
import type { Scratch } from '../checkout.ts'
import { FOLDERS, OUTPUT_FILE } from '../engine.ts'
import { DIRECTORY } from './container.ts'
import { moveIn } from './move-in.ts'
import { pack, sending } from './pack.ts'

export type Filling = {
  /** The folder with the commit's files in `path`; nothing stands there for a run without a commit. */
  readonly files: Scratch
  /** As whom the image runs; an empty string for root. */
  readonly user: string
  /** Where the engine says it keeps the volume, on its own machine; null to send the files in any case. */
  readonly volume: string | null
  readonly signal: AbortSignal
}

/**
 * Make the folders of the run's workspace and put its files into them, owned by root.
 *
 * Where the image runs as someone else, everything is made writable for all, so that its user can work here too.
 */
export async function fill(
  container: Docker.Container,
  { files, user, volume, signal }: Filling,
): Promise<void> {
  const shared = isShared(user)
  await makeFolders(files.around)
  if (!shared && volume && (await moveIn(files.around, volume))) return
  const stream = pack(files.around, (header) => (shared ? forAll(header) : header.mode))
  await sending(stream, signal, (abortSignal) =>
    container.putArchive(stream, { path: DIRECTORY, abortSignal }),
  )
}

/** Steps of other images may run as someone else: what they are told to write to is open to all of them. */
async function makeFolders(around: string): Promise<void> {
  await mkdir(join(around, FOLDERS.work), { recursive: true })
  for (const folder of [FOLDERS.inputs, FOLDERS.state, FOLDERS.states]) {
    await mkdir(join(around, folder), { recursive: true })
    await chmod(join(around, folder), 0o777)
  }
  await writeFile(join(around, OUTPUT_FILE), '')
  await chmod(join(around, OUTPUT_FILE), 0o666)
}

/** Whether an image runs as somebody whom files of root do not obey; an empty string is root. */
export const isShared = (user: string): boolean => !['', 'root', '0'].includes(user.split(':')[0] ?? '')

/** What makes a file or a folder everybody's. */
export const forAll = ({
  mode = 0,
  type,
}: {
  readonly mode?: number | undefined
  readonly type?: string | null | undefined
}): number => mode | (type === 'directory' ? 0o777 : 0o666)
