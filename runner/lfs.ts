import { join } from 'node:path'
import { git, GitError, type GitOptions } from './git.ts'
import type { Source } from './mirror.ts'

/**
 * Put large files in the place of the pointers that a commit holds of them. What was fetched stays in the mirror, so that the next
 * commit costs its difference.
 *
 * They are asked for at the repository's own server, whatever a `.lfsconfig` says: that file is a stranger's.
 *
 * @throws {GitError} With the last words of git-lfs, or that this machine has none.
 */
export async function bringLargeFiles(
  { url, sha }: Source,
  directory: string,
  { mirror, settings, ...options }: GitOptions & { readonly mirror: string },
): Promise<void> {
  const around = { ...options, settings: { ...settings, ...settingsOf(url, mirror) } }
  const lfs = (...words: string[]) =>
    git(['-C', directory, '--work-tree', directory, 'lfs', ...words], around)
  try {
    await lfs('fetch', 'origin', sha)
    await lfs('checkout')
  } catch (error) {
    if (error instanceof GitError && /'lfs' is not a git command/.test(error.message))
      throw new GitError(
        'it asks for large files (`lfs: true`) and this runner has no git-lfs: install it on its machine',
      )
    throw error
  }
}

/** What turns a large file into its pointer when git takes it in. */
export const LFS_CLEAN = { 'filter.lfs.clean': 'git-lfs clean -- %f' }

/** Where a repository's large files are, by the rule of git-lfs: beside it, under its address with `.git`. */
const settingsOf = (url: string, mirror: string): Record<string, string> => ({
  'lfs.url': `${url.replace(/\/+$/, '').replace(/(\.git)?$/, '.git')}/info/lfs`,
  'lfs.storage': join(mirror, 'lfs'),
  'lfs.locksverify': 'false',
  'lfs.fetchinclude': '',
  'lfs.fetchexclude': '',
  // Without them git-lfs takes itself for not installed, and leaves the pointers where they are.
  ...LFS_CLEAN,
  'filter.lfs.smudge': 'git-lfs smudge -- %f',
})
