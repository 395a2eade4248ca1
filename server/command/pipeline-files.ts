import { readdir, readFile } from 'node:fs/promises'
import { Ending, WRONG_USE } from './ending.ts'

/** @throws {Ending} In words, when there is nothing to read. */
export const readPipelineFile = async (file: string): Promise<string> =>
  await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Ending(WRONG_USE, `${file} cannot be read: ${reason(error)}`, { cause: error })
  })

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'you may not read it',
  EISDIR: 'it is a directory; name the files in it',
}
function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return REASONS[code] ?? String(error)
}

/** The files that a push of this directory would bring to life. */
export async function pipelineFiles(): Promise<string[]> {
  const names = async (folder: string) => await readdir(folder).catch(() => []) // a repository need not have it
  const top = (await names('.')).filter((name) => name === '.takt.yml')
  const folder = (await names('.takt')).filter((name) => name.endsWith('.yml')).toSorted()
  const found = [...top, ...folder.map((name) => `.takt/${name}`)]
  if (found.length > 0) return found
  throw new Ending(
    WRONG_USE,
    'there is no .takt.yml and no .takt/*.yml here: change to your repository, or name the files',
  )
}
