import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Checkouts } from '../../runner/checkout.ts'
import type { Source } from '../../runner/mirror.ts'
import { serveGit } from '../engines/git-server.ts'
import type { GitServer } from '../engines/git-server.ts'
import { run } from '../engines/test-image.ts'

const credential = { username: 'run', password: 'the-lease-of-run-7' }
const gitEnv = { PATH: process.env['PATH'] ?? '' }

let folder: string
let checkouts: Checkouts
let git: GitServer
let places = 0

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'takt-checkout-'))
  checkouts = new Checkouts(folder, gitEnv)
  git = await serveGit(credential)
})
afterEach(async () => {
  await git[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const source = (sha: string, changes: Partial<Source> = {}): Source => ({
  url: git.url,
  sha,
  ref: 'refs/heads/main',
  credential,
  depth: 1,
  submodules: false,
  lfs: false,
  ...changes,
})

async function checkout(of: Source, signal = new AbortController().signal): Promise<string> {
  const place = join(folder, `place-${++places}`)
  await checkouts.materialise({ project: 'shop', checkout: of }, place, { signal, say: async () => {} })
  return place
}

const ask = async (place: string, ...args: string[]) =>
  (await run('git', ['-C', place, ...args])).stdout.trim()

describe('submodules', () => {
  test('are fetched at the commits that are named, beside the repository that names them', async () => {
    const lib = await git.repository('lib')
    const inner = await lib.commit({ 'inner.txt': 'inner\n' })
    await lib.commit({ 'inner.txt': 'newer\n' })
    const sha = await git.commit(
      { '.gitmodules': '[submodule "lib"]\n\tpath = deep/lib\n\turl = ../../lib/.git\n' },
      { 'deep/lib': inner },
    )
    const place = await checkout(source(sha, { submodules: true }))
    expect(await readFile(join(place, 'deep/lib/inner.txt'), 'utf8')).toBe('inner\n')
    expect(await ask(join(place, 'deep/lib'), 'rev-parse', 'HEAD')).toBe(inner)
    expect(await ask(place, 'status', '--porcelain')).toBe('')
    const without = await checkout(source(sha))
    expect(await readdir(join(without, 'deep/lib'))).toEqual([])
  })

  test('of another server get no credential of this one', async () => {
    await using other = await serveGit({ username: 'nobody', password: 'knows' })
    const inner = await other.commit({ a: 'a' })
    const modules = `[submodule "x"]\n\tpath = x\n\turl = ${other.url.replace('127.0.0.1', 'localhost')}\n`
    const sha = await git.commit({ '.gitmodules': modules }, { x: inner })
    const failed = checkout(source(sha, { submodules: true }))
    await expect(failed).rejects.toMatchObject({ code: 'checkout_failed' })
    expect(other.seen.filter((header) => header !== undefined)).toEqual([])
  })

  test('of another server are not fetched from where that leads', async () => {
    await using other = createServer((_, response) =>
      response.writeHead(302, { location: `${git.url}/info/refs?service=git-upload-pack` }).end(),
    )
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const modules = `[submodule "x"]\n\tpath = x\n\turl = http://localhost:${port}/x.git\n`
    const sha = await git.commit({ '.gitmodules': modules }, { x: '1'.repeat(40) })
    await checkout(source(sha))
    const before = git.seen.length
    await expect(checkout(source(sha, { submodules: true }))).rejects.toMatchObject({
      code: 'checkout_failed',
    })
    expect(git.seen.length).toBe(before)
  })

  test('over ssh are not asked for with the key of the machine, where the repository came another way', async () => {
    const called = join(folder, 'ssh-was-called')
    await writeFile(join(folder, 'ssh'), `#!/bin/sh\necho "$@" > ${called}\nexit 1\n`, { mode: 0o755 })
    checkouts = new Checkouts(folder, { PATH: `${folder}:${gitEnv.PATH}` })
    const modules = '[submodule "x"]\n\tpath = x\n\turl = git@127.0.0.1:other/private.git\n'
    const sha = await git.commit({ '.gitmodules': modules }, { x: '1'.repeat(40) })
    await expect(checkout(source(sha, { submodules: true }))).rejects.toMatchObject({
      code: 'checkout_failed',
      message: expect.stringContaining('own ssh key'),
    })
    await expect(access(called)).rejects.toThrow()
  })

  test.each([
    ['a file address', 'file:///etc'],
    ['another program as a transport', 'ext::sh -c id'],
    ['an option', '--upload-pack=id'],
    ['a password', 'https://a:b@127.0.0.1/x.git'],
    ['a path of this machine', '/etc'],
  ])('with %s as their address are refused', async (_, url) => {
    const modules = `[submodule "x"]\n\tpath = x\n\turl = "${url}"\n`
    const sha = await git.commit({ '.gitmodules': modules }, { x: '1'.repeat(40) })
    await expect(checkout(source(sha, { submodules: true }))).rejects.toMatchObject({
      code: 'checkout_failed',
      message: expect.stringContaining('"x"'),
    })
  })

  test('whose path is not where the commit has one are passed over', async () => {
    const modules = ['../out', '.git/hooks', 'a.txt', 'none']
      .map((path, at) => `[submodule "m${at}"]\n\tpath = ${path}\n\turl = ../lib\n`)
      .join('')
    const sha = await git.commit({ '.gitmodules': modules, 'a.txt': 'a' })
    const place = await checkout(source(sha, { submodules: true }))
    expect((await readdir(place)).toSorted()).toEqual(['.git', '.gitmodules', 'a.txt'])
  })
})
