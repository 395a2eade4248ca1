import type { Readable } from 'node:stream'
import { posix } from 'node:path'
import ignore from '@balena/dockerignore'
import tar from 'tar-stream'
import type { Put } from '#pipelines/wire/plan.ts'
import { FOLDERS, StepFailed } from '../../engine.ts'
import type { Place } from '../../resources.ts'
import { type Entry, retar } from '../retar.ts'

export type Build = NonNullable<Extract<Put, { kind: 'image' }>['build']>

const IGNORE = '.dockerignore'
const MOST_IGNORE_BYTES = 2 ** 20

/**
 * The files that a build sees: those of a folder of the working directory but what `.dockerignore` names, as they are. A link
 * stays a link, and the builder looks for its target inside of these files only.
 *
 * @param text  Of the Dockerfile, where it was read before: what was judged is what is built, whoever changes the file meanwhile.
 * @throws {StepFailed} Where there is no such folder, or it is not in the working directory.
 */
export async function contextOf(
  build: Pick<Build, 'context' | 'dockerfile'>,
  at: Place,
  text: string | null = null,
): Promise<Readable> {
  const { folder, file } = pathsOf(build)
  const own = await textOf(`${folder}/${file}${IGNORE}`, at)
  const ignored = ignore.default().add(own ?? (await textOf(`${folder}/${IGNORE}`, at)) ?? '')
  const files = await at.workspace.read(folder, at.signal)
  if (!files)
    throw new StepFailed(1, `build: there is no folder \`${build.context}\` in the working directory.`)
  const prefix = `${posix.basename(folder)}/`
  // The builder reads these two even where they are not to be copied.
  const kept = new Set([file, IGNORE, `${file}${IGNORE}`])
  const change = (entry: Entry) => {
    const name = entry.name.startsWith(prefix) ? entry.name.slice(prefix.length).replace(/\/$/, '') : ''
    if (name === '' || (!kept.has(name) && ignored.ignores(name))) return null
    if (name === file && text !== null) return null // it comes last
    const linkname = entry.type === 'link' ? entry.linkname.slice(prefix.length) : entry.linkname
    return { ...entry, name, linkname }
  }
  return retar(files, change, { last: text === null ? null : { name: file, text } })
}

/** The text of the Dockerfile; null where no plain file stands there. */
export async function dockerfileOf(
  build: Pick<Build, 'context' | 'dockerfile'>,
  at: Place,
): Promise<string | null> {
  const { folder, file } = pathsOf(build)
  return textOf(`${folder}/${file}`, at)
}

/** The folder that is built, and the Dockerfile below it. */
function pathsOf({ context, dockerfile }: Pick<Build, 'context' | 'dockerfile'>) {
  const folder = inside(FOLDERS.work, context, 'build')
  return { folder, file: inside(folder, dockerfile, 'dockerfile').slice(folder.length + 1) }
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
        `\`${path}\` has more than ${MOST_IGNORE_BYTES / 2 ** 20} MiB; it is written by hand.`,
      )
    const pieces: Uint8Array[] = []
    for await (const piece of entry as AsyncIterable<Uint8Array>) pieces.push(piece)
    return Buffer.concat(pieces).toString()
  }
  return null
}
