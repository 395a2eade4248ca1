import { mkdir } from 'node:fs/promises'
import type Docker from 'dockerode'
import type tar from 'tar-fs'
import type { Scratch } from '../checkout.ts'
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
 * Put the run's files into the container's working directory, owned by root.
 *
 * Where the image runs as someone else, everything is made writable for all, so that its user can work here too.
 */
export async function fill(
  container: Docker.Container,
  { files, user, volume, signal }: Filling,
): Promise<void> {
  const shared = !['', 'root', '0'].includes(user.split(':')[0] ?? '')
  if (files.empty && !shared) return
  if (!shared && volume && (await moveIn(files.path, volume))) return
  await mkdir(files.path, { recursive: true })
  const stream = pack(files.around, (header) => (shared ? forAll(header) : header.mode))
  await sending(stream, signal, (abortSignal) => container.putArchive(stream, { path: '/', abortSignal }))
}

const forAll = ({ mode, type }: tar.Headers): number => mode | (type === 'directory' ? 0o777 : 0o666)
