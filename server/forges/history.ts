import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kinship } from '#pipelines/plan/order.ts'
import { git, GitError } from './git.ts'
import { fetchCommits, type Opened, REFUSED } from './repository.ts'

/** Of another server's history as much is fetched, commits only, as it takes to know; more than this is not looked at. */
const DEPTHS = [50, 1_000]
export const MOST_DEPTH = 1_000
/** So many commits are listed at most: what is further away is older than any line remembers. */
const MOST_LISTED = 100_000
const GONE = /not our ref/

type Pair = { readonly known: string; readonly commit: string }

/**
 * How a commit stands to one that is known: which of the two goes on from the other.
 *
 * @throws {GitError} When the server of the repository cannot be reached.
 */
export async function kinshipOf(opened: Opened, pair: Pair): Promise<Kinship> {
  const { known, commit } = pair
  if (known === commit) return 'same'
  let gone = false
  for (const depth of opened.remote ? DEPTHS : [0]) {
    gone = (await deepen(opened, pair, depth)) === 'gone'
    if (await isAncestor(opened, known, commit)) return 'continues'
    if (await isAncestor(opened, commit, known)) return 'ancestor'
    if (!(await isCut(opened, pair))) return 'diverged'
  }
  return gone || (await mergeBase(opened, [known, commit])) !== null ? 'diverged' : 'unknown'
}

/** The commits that lead to `to` and not to `from`; `to` alone where it is not here any more. */
export const between = async (
  opened: Opened,
  { from, to }: { from: string; to: string },
): Promise<string[]> => ((await holds(opened, to)) ? list(opened, [to, `^${from}`]) : [to])

/** The commits that lead to `to` and go on from `from`. */
export const onTheWay = (opened: Opened, { from, to }: { from: string; to: string }): Promise<string[]> =>
  list(opened, ['--ancestry-path', to, `^${from}`])

/**
 * Where two histories part. Of another server's they are fetched, as far as it takes.
 *
 * @returns Null when they have nothing in common, as far as that is known.
 */
export async function forkPoint(opened: Opened, [one, other]: readonly [string, string]) {
  for (const depth of opened.remote ? DEPTHS : [0]) {
    await deepen(opened, { known: one, commit: other }, depth)
    const found = await mergeBase(opened, [one, other])
    if (found !== null) return found
  }
  return null
}

/** Fetch both; where the server has the known one no more, or does not hand it out, the other alone. */
async function deepen(opened: Opened, { known, commit }: Pair, depth: number): Promise<'gone' | 'here'> {
  if (!opened.remote) return 'here'
  const reach = { depth, filter: 'tree:0' } as const
  try {
    await fetchCommits(opened, [commit, known], reach)
    return 'here'
  } catch (error) {
    if (!(error instanceof GitError && REFUSED.test(error.words))) throw error
    await fetchCommits(opened, [commit], reach)
    return GONE.test(error.words) ? 'gone' : 'here'
  }
}

/** A commit that is not here leads to nothing and comes of nothing, as far as anybody can tell. */
async function isAncestor(opened: Opened, one: string, other: string): Promise<boolean> {
  if (!(await holds(opened, one)) || !(await holds(opened, other))) return false
  return asks(opened, ['merge-base', '--is-ancestor', one, other])
}

const holds = (opened: Opened, sha: string) => asks(opened, ['cat-file', '-e', `${sha}^{commit}`])

/** A question to git: 0 is yes, and no other code of its own is. What a signal or a missing git did is no answer. */
async function asks({ dir, signal }: Opened, args: readonly string[]): Promise<boolean> {
  try {
    await git(args, { dir, signal })
    return true
  } catch (error) {
    if (error instanceof GitError && error.code !== null) return false
    throw error
  }
}

async function mergeBase(opened: Opened, [one, other]: readonly [string, string]): Promise<string | null> {
  if (!(await holds(opened, one)) || !(await holds(opened, other))) return null
  const { dir, signal } = opened
  try {
    return (await git(['merge-base', one, other], { dir, signal })).toString('utf8').trim()
  } catch (error) {
    if (error instanceof GitError && error.code === 1) return null
    throw error
  }
}

/** Whether the history that is here ends anywhere but at a first commit. */
async function isCut(opened: Opened, { known, commit }: Pair): Promise<boolean> {
  if (!opened.remote) return false
  const here = (await holds(opened, known)) ? [commit, known] : [commit]
  const ends = new Set((await shallowOf(opened.dir)).split('\n'))
  return (await list(opened, here)).some((sha) => ends.has(sha))
}

const shallowOf = (dir: string) =>
  readFile(join(dir, 'shallow'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '' // nothing was cut
    throw error
  })

async function list({ dir, signal }: Opened, args: readonly string[]): Promise<string[]> {
  const out = await git(['rev-list', `--max-count=${MOST_LISTED}`, ...args], { dir, signal })
  return out.toString('utf8').split('\n').filter(Boolean)
}
