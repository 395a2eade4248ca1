import type { Readable } from 'node:stream'
import { posix } from 'node:path'
import ignore from '@balena/dockerignore'
import tar from 'tar-stream'
import type { Put } from '#pipelines/wire/plan.ts'
import { FOLDERS, StepFailed } from '../../engine.ts'
import type { Place } from '../../resources.ts'
import { retar } from '../retar.ts'

export type Build = NonNullable<Extract<Put, { kind: 'image' }>['build']>

const IGNORE = '.dockerignore'
const MOST_IGNORE_BYTES = 2 ** 20

/**
 * The files that a build sees: those of a folder of the working directory but what `.dockerignore` names, as they are. A link
 * stays a link, and the builder looks for its target inside of these files only.
 *
 * @throws {StepFailed} Where there is no such folder, or it is not in the working directory.
 */
export async function contextOf(
  { context, dockerfile }: Pick<Build, 'context' | 'dockerfile'>,
  at: Place,
): Promise<Readable> {
  const folder = inside(FOLDERS.work, context, 'build')
  const file = inside(folder, dockerfile, 'dockerfile').slice(folder.length + 1)
  const own = await textOf(`${folder}/${file}${IGNORE}`, at)
  const ignored = ignore.default().add(own ?? (await textOf(`${folder}/${IGNORE}`, at)) ?? '')
  const files = await at.workspace.read(folder, at.signal)
  if (!files) throw new StepFailed(1, `build: there is no folder \`${context}\` in the working directory.`)
  const prefix = `${posix.basename(folder)}/`
  // The builder reads these two even where they are not to be copied.
  const kept = new Set([file, IGNORE, `${file}${IGNORE}`])
  return retar(files, (entry) => {
    const name = entry.name.startsWith(prefix) ? entry.name.slice(prefix.length).replace(/\/$/, '') : ''
    if (name === '' || (!kept.has(name) && ignored.ignores(name))) return null
    const linkname = entry.type === 'link' ? entry.linkname.slice(prefix.length) : entry.linkname
    return { ...entry, name, linkname }
  })
}

/** A path below a folder, that cannot climb out of it. */
function inside(folder: string, path: string, key: string): string {
  const joined = posix.join(folder, path).replace(/\/$/, '')
  if (!posix.isAbsolute(path) && (joined === folder || joined.startsWith(`${folder}/`))) return joined
  throw new StepFailed(
    1,
    `${key}: \`${path}\` is not in the ${folder === FOLDERS.work ? 'working directory' : 'folder that is built'}; name a path below it.`,
  )
}

/** The text of a plain file; null where none stands. */
async function textOf(path: string, { workspace, signal }: Place): Promise<string | null> {
  const files = await workspace.read(path, signal)
  if (!files) return null
  const extract = tar.extract()
  files.once('error', (error) => extract.destroy(error))
  files.pipe(extract as unknown as NodeJS.WritableStream)
  for await (const entry of extract) {
    if (entry.header.type !== 'file') return null
    if (entry.header.size > MOST_IGNORE_BYTES)
      throw new StepFailed(
        1,
        `\`${path}\` has more than ${MOST_IGNORE_BYTES / 2 ** 20} MiB; it names what to leave out.`,
      )
    const pieces: Uint8Array[] = []
    for await (const piece of entry as AsyncIterable<Uint8Array>) pieces.push(piece)
    return Buffer.concat(pieces).toString()
  }
  return null
}
