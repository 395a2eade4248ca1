import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { git, GitError, SHA } from './git.ts'
import { hostedDir, mirrorDir, type Repository } from './repository.ts'

/** A commit in a line. What people wrote is cut, and is a text like any other. */
export type CommitLine = { readonly sha: string; readonly title: string; readonly author: string }
export type CommitList = {
  /** The newest first. */
  readonly commits: readonly CommitLine[]
  /** How many there are besides; at most `MOST_COUNTED` are counted. */
  readonly more: number
}

export const MOST_SHOWN = 20
const MOST_COUNTED = 1_000
const MOST_MS = 5_000
const LINE = '%H%x00%<(200,trunc)%s%x00%<(100,trunc)%an'

type Range = { readonly from: string; readonly to: string }

/**
 * The commits that lead to `to` and not to `from`, as far as they lie here: nothing is fetched.
 *
 * @returns Null where they are not known: of another server's repository often the tips alone are here.
 */
export async function commitsBetween(
  dataDir: string,
  repository: Pick<Repository, 'kind' | 'url'>,
  { from, to }: Range,
): Promise<CommitList | null> {
  if (!SHA.test(from) || !SHA.test(to)) return null
  const isOurs = repository.kind === 'hosted'
  const dir = isOurs ? hostedDir(dataDir, repository.url) : mirrorDir(dataDir, repository)
  if (!(await isThere(dir))) return null
  const signal = AbortSignal.timeout(MOST_MS)
  const ask = async (args: readonly string[]) => (await git(args, { dir, signal })).toString('utf8')
  try {
    const all = (await ask(['rev-list', `--max-count=${MOST_COUNTED}`, to, `^${from}`]))
      .split('\n')
      .filter(Boolean)
    const ends = isOurs ? new Set<string>() : await endsOf(dir)
    if (all.some((sha) => ends.has(sha))) return null
    const shown = await ask(['log', '-z', `--max-count=${MOST_SHOWN}`, `--format=${LINE}`, to, `^${from}`])
    const commits = linesOf(shown)
    return { commits, more: all.length - commits.length }
  } catch (error) {
    if (error instanceof GitError || signal.aborted) return null // a commit is gone, or there was more to read than anybody looks at
    throw error
  }
}

function linesOf(text: string): CommitLine[] {
  const parts = text.split('\0')
  const lines: CommitLine[] = []
  for (let at = 0; at + 2 < parts.length; at += 3) {
    const [sha = '', title = '', author = ''] = parts.slice(at, at + 3)
    lines.push({ sha, title: title.trim(), author: author.trim() })
  }
  return lines
}

const isThere = (dir: string) =>
  access(join(dir, 'HEAD')).then(
    () => true,
    () => false, // another server's folder, or nothing was read yet
  )

/** Where the history that was fetched ends. */
const endsOf = async (dir: string): Promise<ReadonlySet<string>> => {
  const text = await readFile(join(dir, 'shallow'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '' // nothing was cut
    throw error
  })
  return new Set(text.split('\n'))
}
