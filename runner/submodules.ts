import { gitOutput, GitError, type GitOptions } from './git.ts'
import type { Source } from './mirror.ts'
import { addressOf, type Reach } from './submodule-address.ts'

/** The name of whatever a server shows first: a submodule's commit has no other. */
export const HEAD = 'HEAD'

export type Submodule = {
  /** Below the working directory. The commit itself says that a repository stands there, so no link can. */
  readonly path: string
  readonly source: Source
  readonly reach: Reach
}

/**
 * The submodules of a commit, by its own `.gitmodules`: a file that strangers write.
 *
 * @throws {EngineError} `checkout_failed`, for an address that is not accepted.
 */
export async function submodulesOf(parent: Source, reach: Reach, options: GitOptions): Promise<Submodule[]> {
  const written = await writtenIn(parent.sha, options)
  const found: Submodule[] = []
  for (const { name, path, url } of written) {
    const sha = await commitAt(parent.sha, path, options)
    if (sha === null) continue // left over from a submodule that is gone
    const address = await addressOf({ ...parent, reach }, { name, url }, options.env)
    const { credential } = address
    found.push({
      path,
      source: { ...parent, url: address.url, credential, sha, ref: HEAD },
      reach: address.reach,
    })
  }
  return found
}

type Written = { readonly name: string; readonly path: string; readonly url: string }

async function writtenIn(sha: string, options: GitOptions): Promise<Written[]> {
  const blob = [
    'config',
    '--null',
    `--blob=${sha}:.gitmodules`,
    '--get-regexp',
    String.raw`^submodule\..*\.(path|url)$`,
  ]
  const lines = await gitOutput(blob, options).catch((error: unknown) => {
    if (error instanceof GitError) return '' // no such file, or nothing in it
    throw error
  })
  const byName = new Map<string, { path?: string; url?: string }>()
  for (const line of lines.split('\0')) {
    const [, name, key, value] = /^submodule\.(.*)\.(path|url)\n(.*)$/s.exec(line) ?? []
    if (name === undefined || key === undefined) continue
    byName.set(name, { ...byName.get(name), [key]: value })
  }
  return [...byName].flatMap(([name, { path, url }]) => (path && url ? [{ name, path, url }] : []))
}

/** The commit that stands at a path, where a repository does and nothing else. */
async function commitAt(sha: string, path: string, options: GitOptions): Promise<string | null> {
  const parts = path.split('/')
  if (parts.some((part) => ['', '.', '..', '.git'].includes(part.toLowerCase()))) return null
  const line = await gitOutput(
    ['--literal-pathspecs', 'ls-tree', '-z', '--full-tree', sha, '--', path],
    options,
  )
  const [, commit, at] = /^160000 commit ([0-9a-f]+)\t([^\0]*)\0$/.exec(line) ?? []
  return commit !== undefined && at === path ? commit : null
}
