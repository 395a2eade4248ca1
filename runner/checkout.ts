import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isRefName } from '#pipelines/refs.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import { EngineError } from './engine.ts'
import type { OpenOptions } from './engine.ts'
import { git, GitError, type GitOptions } from './git.ts'
import { bringLargeFiles } from './lfs.ts'
import {
  fetchCommit,
  holds,
  isUnused,
  mirrorPath,
  noteUse,
  prepareMirror,
  removeMirror,
  writeRepository,
} from './mirror.ts'
import type { Source } from './mirror.ts'
import { type Reach, TRUSTED } from './submodule-address.ts'
import { HEAD, submodulesOf } from './submodules.ts'
import { Locks } from './turnstile.ts'

/** A working directory's own name, here as in a container (`/work`). */
export const WORK = 'work'

/** Of one checkout, those inside others included. */
const MOST_MODULES = 100
const DAY_MS = 86_400_000
const SHA = /^([0-9a-f]{40}|[0-9a-f]{64})$/
export const REMOTE = {
  'protocol.http.allow': 'always',
  'protocol.https.allow': 'always',
  'protocol.ssh.allow': 'always',
}

/** A folder that lasts as long as the run's files are needed here; `empty` for a run without a commit. */
export type Scratch = AsyncDisposable & {
  readonly path: string
  /** The folder around it: a folder can only be packed together with its own rights from outside. */
  readonly around: string
  readonly empty: boolean
}

/**
 * Commits made into working directories, each repository fetched from its server once.
 *
 * What was fetched stays in a bare mirror for each project and address under `<folder>/mirrors`, so the next commit costs its difference.
 */
export class Checkouts {
  readonly #folder: string
  /** Of the machine's environment, what git needs. */
  readonly env: Readonly<Record<string, string>>
  readonly #mirrors: string
  readonly #now: () => number
  readonly #locks = new Locks()
  #tidiedAt = -Infinity

  /** @param env  Of the machine's environment, what git needs. */
  constructor(folder: string, env: Readonly<Record<string, string>>, now: () => number = Date.now) {
    this.#folder = folder
    this.#mirrors = join(folder, 'mirrors')
    this.#now = now
    this.env = env
  }

  /** A place on this machine for the files of a run that happens elsewhere. Nothing is written before it is filled. */
  scratch({ run, checkout }: Plan): Scratch {
    const around = join(this.#folder, 'scratch', `${run}-${randomBytes(6).toString('hex')}`)
    const remove = () => rm(around, { recursive: true, force: true })
    return { around, path: join(around, WORK), empty: checkout === null, [Symbol.asyncDispose]: remove }
  }

  /** Remove the scratch folders of an earlier life. */
  async sweep(): Promise<void> {
    await rm(join(this.#folder, 'scratch'), { recursive: true, force: true })
  }

  /**
   * Make `directory` the working directory of exactly this commit, with as much of its past as was asked for, and a `.git` whose
   * `origin` holds no credential.
   *
   * @throws {EngineError} `checkout_failed`, with git's last words.
   */
  async materialise(
    { project, checkout: source }: Pick<Plan, 'project' | 'checkout'>,
    directory: string,
    options: OpenOptions,
  ): Promise<void> {
    if (!source) return
    await this.#removeUnused(options.signal)
    await options.say(`Checkout: ${source.sha.slice(0, 10)} of ${source.ref}\n`)
    await this.#materialise(source, directory, {
      ...options,
      project,
      reach: TRUSTED,
      budget: { modules: MOST_MODULES },
    })
  }

  async #materialise(source: Source, directory: string, options: Materialising): Promise<void> {
    const { signal, reach, project } = options
    try {
      const url = readUrl(source)
      const mirror = mirrorPath(this.#mirrors, project, source)
      await this.#fill(source, { url, mirror, directory, signal, reach })
      if (source.submodules) await this.#submodules(source, directory, options)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof GitError)) throw error
      const message = `The commit ${source.sha} could not be fetched from ${source.url}: ${error.message}`
      throw new EngineError('checkout_failed', message, { cause: error })
    }
  }

  /** Once a day, so that a runner which is asked for ever new repositories does not fill its disk with old ones. */
  async #removeUnused(signal: AbortSignal): Promise<void> {
    const now = this.#now()
    if (now - this.#tidiedAt < DAY_MS) return
    this.#tidiedAt = now
    const names = await readdir(this.#mirrors).catch(() => []) // none yet
    for (const mirror of names.map((name) => join(this.#mirrors, name))) {
      if (!(await isUnused(mirror, now))) continue
      using _turn = await this.#locks.hold(mirror, signal)
      if (await isUnused(mirror, now)) await removeMirror(mirror)
    }
  }

  async #fill(source: Source, filling: Filling): Promise<void> {
    const { mirror, directory, signal } = filling
    using _turn = await this.#locks.hold(mirror, signal)
    if (!(await holds(mirror, source.sha))) await this.#fetch(source, filling)
    await noteUse(mirror)
    await this.#copy(source, { mirror, directory, signal })
    if (!source.lfs) return
    const options = { ...this.#asking(source, filling), repository: join(directory, '.git'), mirror }
    await bringLargeFiles(source, directory, options)
  }

  /** What git is told when it speaks to the server of a repository. */
  #asking({ credential }: Source, { url, signal, reach }: Filling) {
    const { settings, secrets } = authorization(url, credential)
    return {
      signal,
      secrets,
      env: { ...this.env, ...reach.env },
      settings: { ...settings, ...reach.settings },
    }
  }

  /** The repositories inside, each at the commit that this one names, off mirrors of their own; and those inside them. */
  async #submodules(source: Source, directory: string, options: Materialising): Promise<void> {
    const repository = join(directory, '.git')
    const git = { repository, env: this.env, signal: options.signal }
    const modules = await submodulesOf(source, options.reach, git)
    for (const module of modules) {
      if (--options.budget.modules < 0)
        throw new EngineError('checkout_failed', `There are more than ${MOST_MODULES} submodules.`)
      await options.say(`Submodule ${module.path}: ${module.source.sha.slice(0, 10)}\n`)
      const { reach } = module
      await this.#materialise(module.source, join(directory, module.path), { ...options, reach })
    }
  }

  async #fetch(source: Source, filling: Filling): Promise<void> {
    const { mirror } = filling
    await prepareMirror(mirror, source.sha)
    const asking = this.#asking(source, filling)
    await fetchCommit(source, {
      ...asking,
      repository: mirror,
      settings: { ...REMOTE, ...asking.settings },
    })
  }

  async #copy(source: Source, { mirror, directory, signal }: Omit<Filling, 'url' | 'reach'>): Promise<void> {
    const { url, sha } = source
    const repository = join(directory, '.git')
    await mkdir(directory, { recursive: true })
    await writeRepository(repository, { bare: false, sha, remote: url })
    const options = { env: this.env, signal, repository }
    if (source.depth === 1) await packAlone(sha, { ...options, repository: mirror, into: repository })
    else await copyHistory(source, { ...options, mirror })
    const checkout = ['--work-tree', directory, 'checkout', '--quiet', '--detach', '--force', sha]
    await git(checkout, options)
  }
}

type Filling = {
  readonly url: URL
  readonly mirror: string
  readonly directory: string
  readonly signal: AbortSignal
  readonly reach: Reach
}
type Materialising = OpenOptions & {
  readonly project: string
  readonly budget: { modules: number }
  readonly reach: Reach
}

/** What a fetch from the mirror would do with five processes, done with one: pack this commit without its past. */
async function packAlone(sha: string, { into, ...options }: GitOptions & { into: string }): Promise<void> {
  await writeFile(join(into, 'shallow'), `${sha}\n`)
  const pack = ['pack-objects', '--quiet', '--revs', '--shallow', join(into, 'objects', 'pack', 'pack')]
  await git(pack, { ...options, input: `--shallow ${sha}\n${sha}\n` })
}

/** As many commits of the past as were asked for; with all of them come the tags. */
async function copyHistory(
  { sha, depth }: Source,
  { mirror, ...options }: GitOptions & { mirror: string },
): Promise<void> {
  const some = depth > 0 ? [`--depth=${depth}`] : []
  const tags = depth > 0 ? [] : ['+refs/tags/*:refs/tags/*']
  const fetch = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', ...some]
  const settings = { 'protocol.file.allow': 'always' }
  const from = pathToFileURL(mirror).href
  await git([...fetch, '--', from, `refs/takt/${sha}`, ...tags], { ...options, settings })
}

function readUrl({ url, sha, ref }: Source): URL {
  const parsed = URL.parse(url)
  if (!parsed || !['http:', 'https:', 'ssh:'].includes(parsed.protocol) || parsed.password !== '') {
    throw new EngineError(
      'checkout_failed',
      'The repository address is not an http, https or ssh URL without a password.',
    )
  }
  if (!SHA.test(sha))
    throw new EngineError('checkout_failed', `${JSON.stringify(sha)} is no full commit hash.`)
  if (ref !== HEAD && !isRefName(ref))
    throw new EngineError('checkout_failed', `${JSON.stringify(ref)} is no ref name.`)
  return parsed
}

/** Basic authentication for this one host, in git's words; redirects are not followed with it. */
export function authorization(
  url: URL,
  credential: Source['credential'],
): { settings: Record<string, string>; secrets: string[] } {
  if (!credential) return { settings: { 'http.followRedirects': 'initial' }, secrets: [] }
  const { username, password } = credential
  const basic = Buffer.from(`${username}:${password}`).toString('base64')
  const settings = {
    'http.followRedirects': 'false',
    [`http.${url.protocol}//${url.host}/.extraHeader`]: `Authorization: Basic ${basic}`,
  }
  return { settings, secrets: [password, basic] }
}
