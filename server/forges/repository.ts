import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { git, GitError, SHA } from './git.ts'
import { readCommit } from './objects.ts'

/** A repository as the house knows it: ours, or one on a git server. */
export type Repository = {
  readonly kind: 'hosted' | 'git' | 'github'
  readonly url: string
  /** A project was added with it; it is not merely named in somebody's pipeline file. */
  readonly ofProject: boolean
  /** What opens it, and whose secret that is; null or left out where nothing of ours does. */
  readonly login?: RepositoryLogin | null
}
export type RepositoryLogin = {
  readonly username: string
  readonly password: string
  readonly of: { readonly project: string; readonly secret: string }
}
export type Forges = {
  readonly dataDir: string
  readonly githubToken: string | undefined
  /** Ends what is asked of git servers when this one stops. */
  readonly quit?: AbortSignal
}

/** Where a hosted repository lies. Its `url` is its name, which has no slash and no dot in it. */
export const hostedDir = (dataDir: string, name: string): string => join(dataDir, 'git', `${name}.git`)

/** Whether this server can read a repository: others' by the network, hosted ones where their folder lies. */
export const isHere = (dataDir: string, { kind, url }: Pick<Repository, 'kind' | 'url'>): Promise<boolean> =>
  kind === 'hosted' ? exists(join(hostedDir(dataDir, url), 'HEAD')) : Promise.resolve(true)

/**
 * A bare repository of our own; one that is there already is left as it is. It is made aside and moved into place whole, so that
 * of two who make it at once both find it, and a kill in between leaves none that is half made.
 */
export async function initHosted(dataDir: string, name: string): Promise<string> {
  const dir = hostedDir(dataDir, name)
  if (await exists(join(dir, 'HEAD'))) return dir
  await mkdir(dirname(dir), { recursive: true })
  const aside = await mkdtemp(`${dir}.`)
  await git(['init', '--quiet', '--bare', '--initial-branch=main', aside], { dir: aside })
  await rename(aside, dir).catch(async (error: unknown) => {
    await rm(aside, { recursive: true, force: true })
    if (!(await exists(join(dir, 'HEAD')))) throw error // else somebody was faster, and made the same one
  })
  return dir
}

/** A repository whose objects can be read: in `dir`, and what is not there yet by the network. */
export type Opened = {
  readonly dir: string
  /** How its server is reached; null for one of ours, of which everything is here. */
  readonly remote: Readonly<Record<string, string>> | null
  readonly signal: AbortSignal | undefined
}

export async function openRepository(forges: Forges, repository: Repository): Promise<Opened> {
  const { dataDir, quit: signal } = forges
  return repository.kind === 'hosted'
    ? { dir: hostedDir(dataDir, repository.url), remote: null, signal }
    : { dir: await mirror(dataDir, repository), remote: remoteConfig(forges, repository), signal }
}

/** What a server says that does not hand out a commit: it has it not, or not for asking. */
export const REFUSED = /not our ref|unadvertised object|does not allow request/

/** How far back, and which objects of it: with all folders, or commits alone. */
export type Reach = { readonly depth: number; readonly filter: 'blob:none' | 'tree:0' }

/**
 * Fetch commits from another server; of one of ours nothing needs to be fetched.
 *
 * @throws {GitError} When one of them cannot be had.
 */
export async function fetchCommits(opened: Opened, shas: readonly string[], reach: Reach): Promise<void> {
  const odd = shas.find((sha) => !SHA.test(sha))
  if (odd !== undefined) throw new GitError('fetch', `\`${odd.slice(0, 100)}\` is not a full commit hash`)
  const { dir, remote: config, signal } = opened
  if (!config) return
  const how = ['--quiet', '--no-tags', `--depth=${reach.depth}`, `--filter=${reach.filter}`]
  await git(['fetch', ...how, 'origin', ...shas], { dir, config, signal })
}

/**
 * Read a commit and its pipeline files, wherever the repository is. From another server only that commit is fetched, and of
 * its files only those that are read.
 *
 * @throws {GitError} When the commit cannot be had.
 */
export async function readAt(opened: Opened, sha: string) {
  await fetchCommits(opened, [sha], { depth: 1, filter: 'blob:none' })
  return readCommit(opened.dir, sha, opened.remote ?? {})
}

/** The refs of a hosted repository: name and commit (annotated tags peeled to theirs). */
export async function hostedRefs(dataDir: string, name: string): Promise<Map<string, string>> {
  const format = '%(refname) %(objectname) %(*objectname)'
  const out = await git(['for-each-ref', `--format=${format}`, 'refs/heads', 'refs/tags'], {
    dir: hostedDir(dataDir, name),
  })
  const rows = out.toString('utf8').split('\n').filter(Boolean)
  return new Map(
    rows.map((row) => row.split(' ')).map(([ref = '', sha = '', peeled = '']) => [ref, peeled || sha]),
  )
}

/**
 * Where what was read of another server's repository lies. What was read by a login lies by itself: nobody without it finds there what
 * its server would not show.
 */
export function mirrorDir(dataDir: string, { url, login }: Pick<Repository, 'url' | 'login'>): string {
  const name = login ? JSON.stringify([url, login.of.project, login.of.secret]) : url
  return join(dataDir, 'mirrors', `${createHash('sha256').update(name).digest('hex').slice(0, 24)}.git`)
}

async function mirror(dataDir: string, repository: Repository): Promise<string> {
  const dir = mirrorDir(dataDir, repository)
  if (await exists(join(dir, 'HEAD'))) return dir
  await mkdir(dir, { recursive: true })
  await git(['init', '--quiet', '--bare', dir], { dir })
  return dir
}

/** The remote and, for its host only, the credentials: by environment, never in a file or an argument. */
function remoteConfig(
  { githubToken }: Forges,
  { kind, url, ofProject, login }: Repository,
): Record<string, string> {
  const remote = {
    'remote.origin.url': url,
    'remote.origin.promisor': 'true',
    'remote.origin.partialclonefilter': 'blob:none',
  }
  // It is sent to the address that the file names, and to no other that this one sends us on to.
  if (login) return { ...remote, ...authorization(url, login), 'http.followRedirects': 'false' }
  if (kind !== 'github' || !ofProject || !githubToken || !url.startsWith('https:')) return remote
  return { ...remote, ...authorization(url, { username: 'x-access-token', password: githubToken }) }
}

/** Other ways than HTTP have keys of their own. */
function authorization(url: string, { username, password }: Pick<RepositoryLogin, 'username' | 'password'>) {
  if (!/^https?:/.test(url)) return {}
  const basic = Buffer.from(`${username}:${password}`).toString('base64')
  return { [`http.${new URL(url).origin}/.extraHeader`]: `Authorization: Basic ${basic}` }
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )
