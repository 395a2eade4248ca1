import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EngineError, StepFailed } from '../../runner/engine.ts'
import { putGit } from '../../runner/resources/git/put.ts'
import type { GitPut } from '../../runner/resources/git/put.ts'
import { checkoutOf, planOf } from '../runner/plans.ts'
import { groundOf } from './contract.ts'
import { serveGit } from './git-server.ts'
import type { GitServer } from './git-server.ts'
import { placeOf } from './place.ts'
import { run } from './test-image.ts'

const credential = { username: 'run', password: 'lease-lease-lease' }

describe('a put of a commit', () => {
  let git: GitServer
  let ground: Awaited<ReturnType<typeof groundOf>>
  let began: string
  beforeEach(async () => {
    git = await serveGit(credential)
    ground = await groundOf('git-put')
    await git.takePushes()
    began = await git.commit({
      'a.txt': 'one\ntwo\nthree\n',
      'b/c.txt': 'c\n',
      '.gitignore': 'node_modules\n',
    })
  })
  afterEach(async () => {
    await git[Symbol.asyncDispose]()
    await ground[Symbol.asyncDispose]()
  })

  const put = (changes: Partial<GitPut> = {}): GitPut => ({
    ...{ kind: 'git', resource: 'src', url: git.url, credential, branch: 'main' },
    ...{ tag: null, message: 'Change it', paths: [] },
    ...changes,
  })
  /** A run that got the commit as its working directory, where everything lies as the commit has it. */
  async function place() {
    const checkout = checkoutOf({ url: git.url, sha: began, ref: 'refs/heads/main', credential })
    const made = await placeOf(planOf([], { checkout, env: { SRC_SHA: began } }))
    await made.put('work/a.txt', 'one\ntwo\nthree\n')
    await made.put('work/b/c.txt', 'c\n')
    await made.put('work/.gitignore', 'node_modules\n')
    return made
  }
  const show = async (...args: string[]) => (await run('git', ['-C', git.root, ...args])).stdout.trim()

  test('pushes what was changed, added and removed, and nothing that is ignored or git’s own', async () => {
    await using at = await place()
    await at.put('work/a.txt', 'one\nTWO\nthree\n')
    await at.put('work/new/file', 'new')
    await chmod(join(at.root, 'work/new/file'), 0o755)
    await rm(join(at.root, 'work/b'), { recursive: true })
    await symlink('/etc/passwd', join(at.root, 'work/link'))
    await at.put('work/node_modules/x', 'x')
    await at.put('work/.git/config', '[core]\n\tfsmonitor = touch /tmp/never\n')
    const { sha, branch, author } = await putGit(ground.checkouts, put(), at.at)
    expect(await show('rev-parse', 'refs/heads/main')).toBe(sha)
    expect({ branch, author }).toEqual({ branch: 'main', author: 'Takt <takt@localhost>' })
    expect(await show('show', '--format=%s|%an|%P', '--raw', '--no-renames', '--abbrev=1', sha)).toMatch(
      new RegExp(
        `^Change it\\|Takt\\|${began}\n[^]*M\ta.txt\n[^]*D\tb/c.txt\n[^]*120000[^\n]*A\tlink\n[^]*100755[^\n]*A\tnew/file$`,
      ),
    )
  })

  test('pushes only what its paths name', async () => {
    await using at = await place()
    await at.put('work/a.txt', 'changed\n')
    await at.put('work/b/c.txt', 'changed\n')
    await at.put('work/b/d.txt', 'new\n')
    const { sha } = await putGit(ground.checkouts, put({ paths: ['./b/*.txt'] }), at.at)
    expect(await show('diff-tree', '-r', '--name-status', '--no-commit-id', sha)).toBe(
      'M\tb/c.txt\nA\tb/d.txt',
    )
  })

  test('pushes nothing where nothing changed, and names the commit that is there', async () => {
    await using at = await place()
    expect((await putGit(ground.checkouts, put(), at.at)).sha).toBe(began)
    expect(await show('rev-list', '--count', 'main')).toBe('1')
    expect(at.heard()).toContain('Nothing changed')
  })

  test('carries its change over to what others pushed meanwhile', async () => {
    await using at = await place()
    const theirs = await git.commit({ 'a.txt': 'one\ntwo\nthree\nfour\n', other: 'o' })
    await at.put('work/a.txt', 'ONE\ntwo\nthree\n')
    const { sha } = await putGit(ground.checkouts, put(), at.at)
    expect(await show('rev-parse', `${sha}^`)).toBe(theirs)
    expect(await show('show', `${sha}:a.txt`)).toBe('ONE\ntwo\nthree\nfour')
    expect(await show('show', `${sha}:other`)).toBe('o')
  })

  test('tries again when somebody else was faster by a moment', async () => {
    await using at = await place()
    await at.put('work/mine', 'm')
    let theirs = ''
    git.during = async (path) => {
      if (theirs === '' && path.includes('git-receive-pack')) {
        theirs = 'being made'
        theirs = await git.commit({ theirs: 't' })
      }
    }
    const { sha } = await putGit(ground.checkouts, put(), at.at)
    expect(await show('rev-list', '--count', 'main')).toBe('3')
    expect(await show('rev-parse', 'main', `${sha}^`)).toBe(`${sha}\n${theirs}`)
  })

  test('gives up after five times, and history is never rewritten', async () => {
    await using at = await place()
    await at.put('work/mine', 'm')
    let count = 0
    git.during = async (path) => {
      if (path.includes('info/refs?service=git-receive-pack')) await git.commit({ theirs: String(count++) })
    }
    await expect(putGit(ground.checkouts, put(), at.at)).rejects.toThrow(StepFailed)
    expect(count).toBe(5)
    expect(await show('rev-list', '--count', 'main')).toBe('6')
  })

  test('fails where both changed the same lines, and names them', async () => {
    await using at = await place()
    await git.commit({ 'a.txt': 'theirs\ntwo\nthree\n' })
    await at.put('work/a.txt', 'mine\ntwo\nthree\n')
    const failing = putGit(ground.checkouts, put(), at.at)
    await expect(failing).rejects.toThrow(StepFailed)
    await expect(failing).rejects.toThrow(/both changed `a.txt`/)
  })

  test('makes a branch and a tag, and lets a tag be that is there', async () => {
    await using at = await place()
    await at.put('work/new', 'n')
    const { sha } = await putGit(ground.checkouts, put({ branch: 'release/1', tag: 'v1' }), at.at)
    expect(await show('rev-parse', 'release/1', 'v1', 'main')).toBe(`${sha}\n${sha}\n${began}`)
    await at.put('work/newer', 'n')
    await expect(putGit(ground.checkouts, put({ tag: 'v1' }), at.at)).rejects.toThrow(/v1/)
    expect(await show('rev-parse', 'v1')).toBe(sha)
  })

  test('of a repository that was got beside the checkout takes the files of its own folder', async () => {
    const checkout = checkoutOf({ url: git.url, sha: began, ref: 'refs/heads/main', credential })
    const gets = [{ kind: 'git' as const, resource: 'infra', checkout }]
    await using at = await placeOf(planOf([], { gets }))
    await at.put('work/unrelated', 'u')
    await at.put('inputs/infra/.gitignore', 'node_modules\n')
    await at.put('inputs/infra/a.txt', 'one\ntwo\nthree\n')
    await at.put('inputs/infra/b/c.txt', 'changed\n')
    const { sha } = await putGit(ground.checkouts, put({ resource: 'infra' }), at.at)
    expect(await show('diff-tree', '-r', '--name-status', '--no-commit-id', sha)).toBe('M\tb/c.txt')
  })

  test('of a repository that was not got needs paths', async () => {
    await using at = await placeOf()
    await at.put('work/deploy/tag.txt', 'v2')
    await expect(putGit(ground.checkouts, put(), at.at)).rejects.toThrow(/has not got `src`.*name `paths`/)
    const { sha } = await putGit(ground.checkouts, put({ paths: ['deploy'] }), at.at)
    expect(await show('diff-tree', '-r', '--name-status', '--no-commit-id', sha)).toBe('A\tdeploy/tag.txt')
  })

  test('writes nothing through a link of the run', async () => {
    await using at = await place()
    const outside = join(ground.folder, 'outside')
    await mkdir(outside)
    await symlink(outside, join(at.root, 'work/out'))
    await writeFile(join(outside, 'kept'), 'kept')
    const { sha } = await putGit(ground.checkouts, put(), at.at)
    expect(await show('ls-tree', '-r', '--name-only', sha)).toContain('out')
    expect(await show('show', `${sha}:out`)).toBe(outside)
  })

  test.each([
    ['a wrong login', { credential: { username: 'run', password: 'wrong-wrong' } }, StepFailed],
    ['a server that does not answer', { url: 'http://127.0.0.1:1/a.git' }, EngineError],
    ['a branch that has no such name', { branch: 'a..b' }, StepFailed],
  ])('with %s does not pass, and tells no password', async (_, changes, kind) => {
    await using at = await place()
    await at.put('work/new', 'n')
    const failing = putGit(ground.checkouts, put(changes), at.at)
    await expect(failing).rejects.toThrow(kind)
    await failing.catch((error: Error) => expect(error.message).not.toMatch(/lease-lease|wrong-wrong/))
  })
})
