import { isRefName } from '#pipelines/refs.ts'
import { git, SHA } from './git.ts'
import { type Forges, openRepository, type Repository } from './repository.ts'

/** Where the branches of another server's repository point, and which of them is the default one. */
export type RemoteRefs = {
  readonly heads: ReadonlyMap<string, string>
  readonly defaultBranch: string | null
}

/** A server that does not answer a question this small is away. */
const MOST_MS = 60_000

/**
 * Ask another server where its branches point. Nothing is fetched.
 *
 * @throws {GitError} When the server cannot be reached, or shows the repository to nobody.
 */
export async function remoteRefs(
  forges: Forges,
  repository: Repository,
  branches: readonly string[],
): Promise<RemoteRefs> {
  const { dir, remote, signal } = await openRepository(forges, repository)
  const late = AbortSignal.timeout(MOST_MS)
  const out = await git(
    ['ls-remote', '--symref', 'origin', 'HEAD', ...branches.map((name) => `refs/heads/${name}`)],
    {
      dir,
      config: remote ?? {},
      signal: signal ? AbortSignal.any([signal, late]) : late,
    },
  )
  const heads = new Map<string, string>()
  let defaultBranch: string | null = null
  for (const line of out.toString('utf8').split('\n')) {
    const [value = '', ref = ''] = line.split('\t')
    const symref = /^ref: refs\/heads\/(.+)$/.exec(value)?.[1]
    if (ref === 'HEAD' && symref !== undefined && isRefName(`refs/heads/${symref}`)) defaultBranch = symref
    else if (SHA.test(value) && (ref === 'HEAD' || isRefName(ref))) heads.set(ref, value)
  }
  const head = heads.get('HEAD')
  if (defaultBranch !== null && head !== undefined) heads.set(`refs/heads/${defaultBranch}`, head)
  heads.delete('HEAD')
  return { heads, defaultBranch }
}
