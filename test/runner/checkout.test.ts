import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Checkouts } from '../../runner/checkout.ts'
import type { Source } from '../../runner/mirror.ts'
import { serveGit } from '../engines/git-server.ts'
import type { GitServer } from '../engines/git-server.ts'
import { run } from '../engines/test-image.ts'

const credential = { username: 'run', password: 'the-lease-of-run-7' }
const encoded = Buffer.from(`${credential.username}:${credential.password}`).toString('base64')
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

describe('a checkout', () => {
  test('is exactly the commit, detached, shallow and clean', async () => {
    const first = await git.commit({ 'a.txt': 'one\n', 'd/b.sh': 'b\n' })
    const second = await git.commit({ 'a.txt': 'two\n' })
    await git.commit({ 'a.txt': 'three\n' })
    const place = await checkout(source(second))
    expect(await readFile(join(place, 'a.txt'), 'utf8')).toBe('two\n')
    expect(await ask(place, 'rev-parse', 'HEAD')).toBe(second)
    expect(await ask(place, 'rev-list', '--count', 'HEAD')).toBe('1')
    expect(await ask(place, 'status', '--porcelain')).toBe('')
    expect(await ask(place, 'rev-parse', '--is-shallow-repository')).toBe('true')
    expect((await run('git', ['-C', place, 'fsck', '--strict'])).stderr).toBe('')
    expect(await ask(place, 'remote', 'get-url', 'origin')).toBe(git.url)
    expect(await readFile(join(await checkout(source(first)), 'a.txt'), 'utf8')).toBe('one\n')
  })

  test('of a commit that was fetched before asks the server nothing', async () => {
    const sha = await git.commit({ 'a.txt': 'one\n' })
    await checkout(source(sha))
    const requests = git.seen.length
    const place = await checkout(source(sha))
    expect(git.seen).toHaveLength(requests)
    expect(await readFile(join(place, 'a.txt'), 'utf8')).toBe('one\n')
  })

  test('of the next commit moves only what is new', async () => {
    const big = randomBytes(1_500_000).toString('hex')
    await checkout(source(await git.commit({ 'big.txt': big, 'a.txt': 'one\n' })))
    const first = git.sentBytes
    const place = await checkout(source(await git.commit({ 'a.txt': 'two\n' })))
    expect(first).toBeGreaterThan(1_500_000)
    expect(git.sentBytes - first).toBeLessThan(2_000)
    expect((await readFile(join(place, 'big.txt'), 'utf8')).length).toBe(big.length)
  })

  test('brings as much of the past as is asked for, with the tags where it is all', async () => {
    for (const text of ['one', 'two', 'three', 'four']) await git.commit({ 'a.txt': text })
    const sha = await git.commit({ 'a.txt': 'five' })
    await git.name('refs/tags/v1', sha)
    const count = async (depth: number) => {
      const place = await checkout(source(sha, { depth }))
      expect((await run('git', ['-C', place, 'fsck', '--strict'])).stderr).toBe('')
      const shallow = await ask(place, 'rev-parse', '--is-shallow-repository')
      return [await ask(place, 'rev-list', '--count', 'HEAD'), shallow, await ask(place, 'tag')]
    }
    expect(await count(1)).toEqual(['1', 'true', ''])
    expect(await count(3)).toEqual(['3', 'true', ''])
    expect(await count(0)).toEqual(['5', 'false', 'v1'])
    const before = git.seen.length
    expect(await count(2)).toEqual(['2', 'true', ''])
    expect(git.seen.length).toBe(before)
  })

  test('that two runs want at once is fetched once', async () => {
    const sha = await git.commit({ 'a.txt': 'one\n' })
    await checkout(source(sha))
    const next = await git.commit({ 'a.txt': 'two\n' })
    const before = git.seen.length
    await checkout(source(next))
    const once = git.seen.length - before
    const third = await git.commit({ 'a.txt': 'three\n' })
    await Promise.all([checkout(source(third)), checkout(source(third)), checkout(source(third))])
    expect(git.seen.length - before - once).toBe(once)
  })

  test('leaves its credential in no file and in no argument list', async () => {
    const seen: string[] = []
    git.during = async () => {
      const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
      const lines = await Promise.all(
        pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
      ) // ended meanwhile
      seen.push(...lines)
    }
    await checkout(source(await git.commit({ 'a.txt': 'one\n' })))
    expect(seen.some((line) => line.includes(git.url))).toBe(true)
    expect(seen.filter((line) => line.includes(credential.password) || line.includes(encoded))).toEqual([])
    const grep = run('grep', ['-rlaE', `${credential.password}|${encoded}`, folder])
    await expect(grep).rejects.toMatchObject({ code: 1, stdout: '' })
  })

  test('works with a server that insists on names, also when the name has moved on', async () => {
    git.insistOnNames()
    const first = await git.commit({ 'a.txt': 'one\n' })
    const tip = await git.commit({ 'a.txt': 'two\n' })
    expect(await readFile(join(await checkout(source(first)), 'a.txt'), 'utf8')).toBe('one\n')
    const place = await checkout(source(tip))
    expect(await readFile(join(place, 'a.txt'), 'utf8')).toBe('two\n')
    expect(await ask(place, 'rev-list', '--count', 'HEAD')).toBe('1')
  })

  test.each(['fix(ui)', 'füx', "it's-$HOME-`id`-“x”;&|<>!", `deep/${'long-'.repeat(45)}`, '-o', '@'])(
    'of a branch named %s is like any other, also with a server that insists on names',
    async (branch) => {
      git.insistOnNames()
      const sha = await git.commit({ 'a.txt': 'one\n' })
      await git.commit({ 'a.txt': 'two\n' })
      const ref = `refs/heads/${branch}`
      await git.name(ref, sha)
      const place = await checkout(source(sha, { ref }))
      expect(await readFile(join(place, 'a.txt'), 'utf8')).toBe('one\n')
    },
  )

  test('refused for its credential says so, without the credential', async () => {
    const sha = await git.commit({ 'a.txt': 'one\n' })
    const wrong = { username: 'run', password: 'a-wrong-password' }
    const failed = await checkout(source(sha, { credential: wrong })).catch((error: unknown) => error)
    expect(failed).toMatchObject({
      code: 'checkout_failed',
      message: expect.stringMatching(/401|Authentication|denied|could not read/i),
    })
    expect(String(failed)).not.toContain('a-wrong-password')
  })

  test('does not carry its credential to where a server redirects it', async () => {
    const elsewhere: (string | undefined)[] = []
    const other = createServer((request, response) => {
      elsewhere.push(request.headers.authorization)
      response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const here = createServer((_request, response) =>
      response.writeHead(302, { location: `http://localhost:${port}/x` }).end(),
    )
    await new Promise<void>((resolve) => here.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(here.address() as AddressInfo).port}/r.git`
    await expect(checkout(source('1'.repeat(40), { url }))).rejects.toMatchObject({ code: 'checkout_failed' })
    expect(elsewhere).toEqual([])
    for (const server of [here, other]) await new Promise((resolve) => server.close(resolve))
  })

  test.each([
    ['a file address', { url: 'file:///etc' }],
    ['another program as a transport', { url: 'ext::sh -c id' }],
    ['an option as an address', { url: '--upload-pack=id' }],
    ['a password in the address', { url: 'http://a:b@127.0.0.1/x.git' }],
    ['a short hash', { sha: 'abc1234' }],
    ['an option as a hash', { sha: '--output=/tmp/x' }],
    ['an option as a ref', { ref: '--upload-pack=id' }],
    ['a range as a ref', { ref: 'refs/heads/a..b' }],
    ['a whole refspec as a ref', { ref: 'refs/heads/a:refs/heads/b' }],
    ['a pattern as a ref', { ref: 'refs/heads/*' }],
    ['a forced ref', { ref: '+refs/heads/a' }],
    ['a ref that is to be left out', { ref: '^refs/heads/a' }],
    ['a revision as a ref', { ref: 'refs/heads/a@{1}' }],
    ['a ref of two lines', { ref: 'refs/heads/a\nb' }],
    ['a ref of ten thousand letters', { ref: `refs/heads/${'a'.repeat(10_000)}` }],
  ])('with %s is refused before git is asked', async (_name, changes) => {
    await expect(checkout(source('1'.repeat(40), changes))).rejects.toMatchObject({ code: 'checkout_failed' })
    expect(git.seen).toEqual([])
  })

  test('that is stopped throws the stop', async () => {
    const sha = await git.commit({ 'a.txt': 'one\n' })
    const stop = new AbortController()
    git.during = async () => stop.abort(new Error('enough'))
    await expect(checkout(source(sha), stop.signal)).rejects.toThrow('enough')
  })

  test('goes on after a fetch that was cut short', async () => {
    const sha = await git.commit({ 'a.txt': 'one\n' })
    const stop = new AbortController()
    git.during = async () => stop.abort(new Error('enough'))
    await checkout(source(sha), stop.signal).catch(() => {}) // the test above looks at it
    git.during = null
    expect(await readFile(join(await checkout(source(sha)), 'a.txt'), 'utf8')).toBe('one\n')
  })
})
