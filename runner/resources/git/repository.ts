import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { authorization, REMOTE } from '../../checkout.ts'
import { EngineError } from '../../engine.ts'
import { gitOutput, GitError } from '../../git.ts'
import type { GitOptions } from '../../git.ts'
import { LFS_CLEAN } from '../../lfs.ts'
import { writeRepository } from '../../mirror.ts'

const NAME = 'Takt'
const EMAIL = 'takt@localhost'
/** What git says last is what goes into an error, and that shall be what happened. */
const NO_ADVICE = { 'advice.pushUpdateRejected': 'false' }
/** The line by which a pointer of git-lfs is known (git-lfs, docs/spec.md). */
const POINTER = '^oid sha256:[0-9a-f]{64}$'
/** Of the commits that runs make. */
export const AUTHOR = `${NAME} <${EMAIL}>`

export type RepositoryFacts = {
  readonly url: string
  readonly credential: { readonly username: string; readonly password: string } | null
  readonly env: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

export type Writing = {
  readonly base: string
  /** None: all of it. */
  readonly paths: readonly string[]
  /** The files are the large ones themselves; in the tree belong their pointers. */
  readonly lfs: boolean
}

/**
 * A repository of our own, for one push: it holds the newest commits only, without their past, and knows nothing of the run's own
 * `.git`, in which the run's commands may have written whatever they liked.
 */
export class Repository {
  /** Where the files lie that `write` looks at. */
  readonly files: string
  readonly #url: string
  readonly #large: string
  readonly #here: GitOptions
  readonly #there: GitOptions

  private constructor(folder: string, { url, credential, env, signal }: RepositoryFacts) {
    this.files = join(folder, 'files')
    this.#url = url
    this.#large = join(folder, 'large')
    const repository = join(folder, 'push.git')
    const author = {
      ...{ GIT_AUTHOR_NAME: NAME, GIT_AUTHOR_EMAIL: EMAIL },
      ...{ GIT_COMMITTER_NAME: NAME, GIT_COMMITTER_EMAIL: EMAIL },
    }
    const workTree = { path: this.files, index: join(folder, 'index') }
    this.#here = { repository, env, signal, author, workTree }
    const { settings, secrets } = authorization(new URL(url), credential)
    this.#there = { repository, env, signal, settings: { ...REMOTE, ...settings, ...NO_ADVICE }, secrets }
  }

  static async open(folder: string, facts: RepositoryFacts): Promise<Repository> {
    const url = URL.parse(facts.url)
    if (!url || !['http:', 'https:', 'ssh:'].includes(url.protocol) || url.password !== '')
      throw new EngineError(
        'push_failed',
        'The repository address is not an http, https or ssh URL without a password.',
      )
    const repository = new Repository(folder, facts)
    await mkdir(repository.files, { recursive: true })
    await writeRepository(repository.#here.repository, { bare: true, sha: '' })
    return repository
  }

  /** Its newest commit, fetched; null where there is no such branch. */
  async tipOf(branch: string): Promise<string | null> {
    const found = await gitOutput(['ls-remote', '--', this.#url, `refs/heads/${branch}`], this.#there)
    const [sha] = found.split('\t')
    if (!sha) return null
    await this.fetch(sha, `refs/heads/${branch}`)
    return sha
  }

  /** A commit without its past; by the name of its branch where the server does not hand out a bare commit. */
  async fetch(sha: string, ref: string = sha): Promise<void> {
    const fetch = (from: string) =>
      gitOutput(['fetch', '--quiet', '--no-tags', '--depth=1', '--', this.#url, from], this.#there)
    await fetch(sha).catch((error: unknown) => {
      if (!(error instanceof GitError) || ref === sha) throw error
      return fetch(ref)
    })
  }

  treeOf(commit: string): Promise<string> {
    return this.#say('rev-parse', '--verify', `${commit}^{tree}`)
  }

  /** The tree of a commit with the files in place of its own; of those only that match `paths`, where any is named. */
  async write({ base, paths, lfs }: Writing): Promise<string> {
    await this.#say('read-tree', base)
    const specs =
      paths.length === 0
        ? ['.']
        : paths.map((path) => `:(top,glob)${path.replace(/^(\.\/)+/, '').replace(/\/$/, '')}`)
    const large = { ...LFS_CLEAN, 'filter.lfs.required': 'true', 'lfs.storage': this.#large }
    const settings = lfs ? large : {}
    await gitOutput(['add', '--all', '--', ...specs], { ...this.#here, settings })
    return this.#say('write-tree')
  }

  /** The files of a tree that are pointers to large files which the other commit has not got there. */
  async newPointers(base: string, tree: string): Promise<string[]> {
    const seen = ['-r', '-z', '--name-only', '--no-renames', '--diff-filter=AMT', '-G', POINTER]
    return (await this.#say('diff-tree', ...seen, await this.treeOf(base), tree)).split('\0').filter(Boolean)
  }

  commit({
    tree,
    parent,
    message,
  }: {
    readonly tree: string
    readonly parent: string
    readonly message: string
  }): Promise<string> {
    return this.#say('commit-tree', tree, '-p', parent, '-m', message)
  }

  /**
   * A change from `base` to `tree`, made to another commit. Git merges along the commits' past, which is not here: so it is told
   * one of three commits that says what is meant.
   */
  async merge({
    base,
    tree,
    onto,
  }: {
    readonly base: string
    readonly tree: string
    readonly onto: string
  }): Promise<{
    readonly tree: string
    readonly conflicts: readonly string[]
  }> {
    const began = await this.#say('commit-tree', await this.treeOf(base), '-m', 'base')
    const theirs = await this.commit({ tree: await this.treeOf(onto), parent: began, message: 'theirs' })
    const ours = await this.commit({ tree, parent: began, message: 'ours' })
    const merge = ['merge-tree', '--write-tree', '--name-only', '--no-messages', theirs, ours]
    // A conflict is an answer, which git gives with exit code 1.
    const said = await gitOutput(merge, { ...this.#here, conflictsAreAnswers: true })
    const [merged = '', ...conflicts] = said.trim().split('\n')
    return { tree: merged, conflicts }
  }

  /** @throws {GitError} Also where the ref stands at a commit that this one does not follow. */
  async push(commit: string, ref: string): Promise<void> {
    await gitOutput(['push', '--quiet', '--', this.#url, `${commit}:${ref}`], this.#there)
  }

  async #say(...args: readonly string[]): Promise<string> {
    return (await gitOutput(args, this.#here)).trim()
  }
}
