import { isRefName } from '#pipelines/refs.ts'
import { git, SHA } from './git.ts'
import { type Forges, openRepository, type Repository } from './repository.ts'

/** Where all branches and tags of another server's repository point, and which branch is the default one. */
export type AllRefs = {
  /** By their whole names; a tag leads to its commit. */
  readonly refs: ReadonlyMap<string, string>
  readonly defaultBranch: string | null
}

/** A server that does not answer a question this small is away. */
const MOST_MS = 60_000

/**
 * Ask another server for all its branches and tags, and for a few more refs. Nothing is fetched.
 *
 * @param more  Whole names of other refs that are asked for, too: heads of pull requests.
 * @throws {GitError} When the server cannot be reached, or shows the repository to nobody.
 */
export async function allRefs(
  forges: Forges,
  repository: Repository,
  more: readonly string[],
): Promise<AllRefs> {
  const { dir, remote, signal } = await openRepository(forges, repository)
  const late = AbortSignal.timeout(MOST_MS)
  const asked = ['HEAD', 'refs/heads/*', 'refs/tags/*', ...more]
  const out = await git(['ls-remote', '--symref', 'origin', ...asked], {
    dir,
    config: remote ?? {},
    signal: signal ? AbortSignal.any([signal, late]) : late,
  })
  return readRefs(out.toString('utf8'), new Set(more))
}

const BRANCH_OR_TAG = /^refs\/(heads|tags)\//
const PEELED = '^{}'

function readRefs(text: string, more: ReadonlySet<string>): AllRefs {
  const refs = new Map<string, string>()
  let defaultBranch: string | null = null
  for (const line of text.split('\n')) {
    const [value = '', told = ''] = line.split('\t')
    const symref = /^ref: refs\/heads\/(.+)$/.exec(value)?.[1]
    if (told === 'HEAD' && symref !== undefined && isRefName(`refs/heads/${symref}`)) defaultBranch = symref
    // An annotated tag is told twice, its commit last.
    const ref = told.endsWith(PEELED) ? told.slice(0, -PEELED.length) : told
    const isWanted = more.has(ref) || (BRANCH_OR_TAG.test(ref) && isRefName(ref))
    if (SHA.test(value) && isWanted) refs.set(ref, value)
  }
  return { refs, defaultBranch }
}
