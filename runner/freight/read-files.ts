import type { Readable } from 'node:stream'
import tar from 'tar-stream'
import type { Workspace } from '../engine.ts'

/** One thing that stands in a workspace. Its content is read before the next one is asked for, or passed over. */
export type Found = {
  /** From the folder that was read. */
  readonly path: string
  readonly header: tar.Header
  readonly content: AsyncIterable<Buffer>
  /** Another name of the same folder, as the paths are. */
  readonly named: (name: string) => string
}

export type Reading = {
  /** The folder of the workspace that paths begin in, e.g. `work`; `''` for its root. */
  readonly folder: string
  /** What is read below it; `''` is all of it. */
  readonly roots: readonly string[]
  readonly matches: (path: string) => boolean
  readonly signal: AbortSignal
}

/** What stands in a folder of a workspace and is wanted, as the engine reads it out; the folder itself is not part of it. */
export async function* readFiles(workspace: Workspace, reading: Reading): AsyncGenerator<Found, void> {
  for (const root of reading.roots) {
    const files = await workspace.read(joined(reading.folder, root), reading.signal)
    if (files) yield* entriesOf(files, { ...reading, named: namer(reading.folder, root) })
  }
}

type Content = AsyncIterable<Buffer> & { readonly header: tar.Header; resume(): void }

async function* entriesOf(
  files: Readable,
  { matches, named }: Pick<Reading, 'matches'> & Pick<Found, 'named'>,
): AsyncGenerator<Found, void> {
  const entries = tar.extract()
  files.on('error', (error) => entries.destroy(error))
  files.pipe(entries as unknown as NodeJS.WritableStream)
  try {
    for await (const content of entries as AsyncIterable<Content>) {
      const path = named(content.header.name)
      if (path !== '' && matches(path)) yield { path, header: content.header, content, named }
      content.resume()
    }
  } finally {
    files.destroy()
  }
}

/** The stream's names begin with the last part of what was read; ours begin below `folder`, which itself has none. */
function namer(folder: string, root: string): (name: string) => string {
  const parent = joined(folder, root).split('/').slice(0, -1).join('/')
  return (name) => {
    const path = joined(parent, name.replace(/\/+$/, ''))
    if (folder === '') return path
    return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : ''
  }
}

const joined = (...parts: readonly string[]) => parts.filter((part) => part !== '').join('/')
