import { git, GitError } from './git.ts'
import { fetchCommits, type Opened, REFUSED } from './repository.ts'

/** More paths than these are as good as all of them. */
const MOST_PATHS = 3_000

type Step = { readonly from: string | null; readonly to: string }

/**
 * The paths that differ between two commits; without a first one, all that the commit has.
 *
 * @param fetch  `needed`: whatever it takes; `none`: only what is here already.
 * @returns Null when it is not known: a commit cannot be had, or the paths are too many. Names are git's bytes read as UTF-8,
 *   with a replacement character for what is none.
 * @throws {GitError} When the server of the repository cannot be reached.
 */
export async function changedPaths(
  opened: Opened,
  step: Step,
  fetch: 'needed' | 'none',
): Promise<string[] | null> {
  const here = await diff(opened, step)
  if (here !== undefined || !opened.remote || fetch === 'none') return here ?? null
  try {
    const both = step.from === null ? [step.to] : [step.from, step.to]
    await fetchCommits(opened, both, { depth: 1, filter: 'blob:none' })
  } catch (error) {
    if (!(error instanceof GitError && REFUSED.test(error.words))) throw error
    return null // its server has the earlier one no more
  }
  return (await diff(opened, step)) ?? null
}

/** @returns Undefined when a folder of either is not here; null when the paths are too many. */
async function diff({ dir, signal }: Opened, { from, to }: Step): Promise<string[] | null | undefined> {
  const what = from === null ? ['--root', '--no-commit-id', to] : [from, to]
  try {
    const out = await git(['diff-tree', '-r', '-z', '--name-only', '--no-renames', ...what], { dir, signal })
    const names = out.toString('utf8').split('\0').slice(0, -1)
    return names.length > MOST_PATHS ? null : names
  } catch (error) {
    if (!(error instanceof GitError)) throw error
    return error.code === null ? null : undefined // it was ended because it printed too much, or it lacks something
  }
}
