import { spawn } from 'node:child_process'
import { link, mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EngineError, StepFailed } from '../../runner/engine.ts'
import { putGit } from '../../runner/resources/git/put.ts'
import type { GitPut } from '../../runner/resources/git/put.ts'
import { checkoutOf, planOf } from '../runner/plans.ts'
import { groundOf } from './contract.ts'
import { serveGit } from './git-server.ts'
import type { GitServer } from './git-server.ts'
import { serveLfs } from './lfs-server.ts'
import type { LfsServer } from './lfs-server.ts'
import { placeOf } from './place.ts'
import { run } from './test-image.ts'

const credential = { username: 'run', password: 'lease-lease-lease' }
const FILES = { 'a.txt': 'a\n', 'b.txt': 'b\n', 'deep/c.txt': 'c\n' }

describe('a put of a commit', () => {
  let git: GitServer
  let lfs: LfsServer
  let ground: Awaited<ReturnType<typeof groundOf>>
  beforeEach(async () => {
    git = await serveGit(credential)
    lfs = await serveLfs(git)
    ground = await groundOf('git-put-files')
    await git.takePushes()
  })
  afterEach(async () => {
    await lfs[Symbol.asyncDispose]()
    await git[Symbol.asyncDispose]()
    await ground[Symbol.asyncDispose]()
  })

  const put = (changes: Partial<GitPut> = {}): GitPut => ({
    ...{ kind: 'git', resource: 'src', url: git.url, credential, branch: 'main' },
    ...{ tag: null, message: 'Change it', paths: [] },
    ...changes,
  })
  /** A run with the files of a commit in its working directory, read out as an engine does it: with the machine's own tar. */
  async function place(began: string, files: Record<string, string>, asked = { lfs: false }) {
    const checkout = checkoutOf({ url: git.url, sha: began, ref: 'refs/heads/main', credential, ...asked })
    const made = await placeOf(planOf([], { checkout, env: { SRC_SHA: began } }))
    for (const [path, text] of Object.entries(files)) await made.put(`work/${path}`, text)
    made.at.workspace.read = async (path) =>
      spawn('tar', ['-c', '-C', dirname(join(made.root, path)), basename(path)]).stdout
    return made
  }
  const show = async (...args: string[]) => (await run('git', ['-C', git.root, ...args])).stdout.trim()

  test('holds both names of a file that has two', async () => {
    const began = await git.commit(FILES)
    await using at = await place(began, { 'a.txt': 'same\n', 'deep/c.txt': 'c\n' })
    await link(join(at.root, 'work/a.txt'), join(at.root, 'work/b.txt'))
    await link(join(at.root, 'work/a.txt'), join(at.root, 'work/deep/d.txt'))
    const { sha } = await putGit(ground.checkouts, put(), at.at)
    expect(await show('diff-tree', '-r', '--name-status', '--no-commit-id', sha)).toBe(
      'M\ta.txt\nM\tb.txt\nA\tdeep/d.txt',
    )
    for (const path of ['a.txt', 'b.txt', 'deep/d.txt'])
      expect(await show('show', `${sha}:${path}`)).toBe('same')
  })

  test('fails where a file has another name in what is not committed', async () => {
    const began = await git.commit(FILES)
    await using at = await place(began, FILES)
    await mkdir(join(at.root, 'work/.git'))
    await writeFile(join(at.root, 'work/.git/x'), 'x')
    await link(join(at.root, 'work/.git/x'), join(at.root, 'work/zzz'))
    // The archive's first name of it is the one that counts: git's own comes first here.
    at.at.workspace.read = async () =>
      spawn('tar', ['-c', '-C', at.root, 'work/.git', 'work/zzz', 'work/a.txt']).stdout
    await expect(putGit(ground.checkouts, put(), at.at)).rejects.toThrow(/`zzz` is a hard link to a file/)
  })

  test('fails where something stands that git cannot hold, and takes nothing for removed', async () => {
    const began = await git.commit(FILES)
    await using at = await place(began, { 'a.txt': 'a\n', 'deep/c.txt': 'c\n' })
    await run('mkfifo', [join(at.root, 'work/b.txt')])
    const failing = putGit(ground.checkouts, put(), at.at)
    await expect(failing).rejects.toThrow(StepFailed)
    await expect(failing).rejects.toThrow(/`b\.txt` is a fifo, which git cannot hold/)
    expect(await show('rev-parse', 'main')).toBe(began)
  })

  const LARGE = 'large and the same\n'
  const withLarge = async () => {
    const files = { '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n', 'a.txt': 'a\n' }
    const began = await git.commit({ ...files, 'x.bin': lfs.keep(LARGE) })
    return { began, files }
  }

  test('of a run with its large files keeps their pointers', async () => {
    const { began, files } = await withLarge()
    await using at = await place(began, { ...files, 'a.txt': 'changed\n', 'x.bin': LARGE }, { lfs: true })
    const { sha } = await putGit(ground.checkouts, put(), at.at)
    expect(await show('diff-tree', '-r', '--name-status', '--no-commit-id', sha)).toBe('M\ta.txt')
    expect(await show('show', `${sha}:x.bin`)).toContain('oid sha256:')
  })

  test('of a run with its large files, of which none changed, is no commit', async () => {
    const { began, files } = await withLarge()
    await using at = await place(began, { ...files, 'x.bin': LARGE }, { lfs: true })
    expect((await putGit(ground.checkouts, put(), at.at)).sha).toBe(began)
  })

  test.each(['x.bin', 'new.bin'])(
    'of the large file %s, which the run made, is refused in words',
    async (path) => {
      const { began, files } = await withLarge()
      await using at = await place(began, { ...files, 'x.bin': LARGE, [path]: 'other\n' }, { lfs: true })
      await expect(putGit(ground.checkouts, put(), at.at)).rejects.toThrow(
        new RegExp(`\`${path}\` is a large file`),
      )
      expect(await show('rev-parse', 'main')).toBe(began)
    },
  )

  test('into a repository that is not there fails, whatever numbers its address has', async () => {
    const began = await git.commit(FILES)
    await using at = await place(began, { ...FILES, 'a.txt': 'changed\n' })
    const url = git.url.replace('/work/', '/gone-503/')
    const failing = putGit(ground.checkouts, put({ url }), at.at)
    await expect(failing).rejects.toThrow(StepFailed)
    await expect(failing).rejects.not.toThrow(EngineError)
  })
})
