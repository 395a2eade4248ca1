import { readdir, readFile } from 'node:fs/promises'
import { type Templates, templatesUsed } from '#pipelines/language/templates.ts'
import { GitError } from '../forges/git.ts'
import { readText } from '../forges/objects.ts'
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

/**
 * The templates that a file uses, as far as they lie in the repository that this directory is of.
 *
 * @returns Undefined when one lies elsewhere: then the file is looked at as far as it goes.
 */
export async function templatesHere(text: string): Promise<Templates | undefined> {
  const texts = new Map<string, string | { missing: string }>()
  for (const reference of templatesUsed(text)) {
    if (!reference.startsWith('.//')) return undefined
    const at = reference.lastIndexOf('@')
    const [path, sha] = [reference.slice('.//'.length, at), reference.slice(at + 1)]
    const found = await readText('.git', { sha, path }).catch((error: unknown) => {
      if (error instanceof GitError) return null // there is no repository here
      throw error
    })
    texts.set(reference, found ?? { missing: `this repository has no ${path} at ${sha.slice(0, 7)}` })
  }
  return texts
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
