import { mkdtemp, readdir, rename, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RunId } from '#pipelines/ids.ts'
import { Checkouts } from '../../runner/checkout.ts'
import { mirrorPath } from '../../runner/mirror.ts'
import { checkouts } from '../../server/runs/checkouts.ts'
import { serveGit } from '../engines/git-server.ts'
import type { GitServer } from '../engines/git-server.ts'
import { checkoutOf } from './plans.ts'

const credential = { username: 'run', password: 'the-lease-of-run-7' }
const DAY_MS = 86_400_000

let folder: string
let git: GitServer
let now: number
let places = 0

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'takt-mirror-'))
  git = await serveGit(credential)
  now = Date.now()
})
afterEach(async () => {
  await git[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const machine = () => new Checkouts(folder, { PATH: process.env['PATH'] ?? '' }, () => now)
type Asked = { readonly project?: string; readonly credential?: typeof credential | null }

async function checkout(checkouts: Checkouts, sha: string, asked: Asked = {}): Promise<string> {
  const place = join(folder, `place-${++places}`)
  const { project = 'shop' } = asked
  const source = checkoutOf({ url: git.url, sha, ref: 'refs/heads/main', credential, ...asked })
  const options = { signal: new AbortController().signal, say: async () => {} }
  await checkouts.materialise({ project, checkout: source }, place, options)
  return place
}
const mirrors = () => readdir(join(folder, 'mirrors'))
const wrong = { username: 'run', password: 'guessed' }

describe('what a mirror holds', () => {
  test('another project gets only where the server gives it', async () => {
    const checkouts = machine()
    const sha = await git.commit({ 'secret.txt': 'of the shop\n' })
    await checkout(checkouts, sha)
    const spying = checkout(checkouts, sha, { project: 'spy', credential: wrong })
    await expect(spying).rejects.toMatchObject({ code: 'checkout_failed' })
    await expect(checkout(checkouts, sha, { project: 'spy' })).resolves.toContain('place')
  })

  test('a checkout without the login gets only where the server gives it', async () => {
    const checkouts = machine()
    const sha = await git.commit({ 'secret.txt': 'of the shop\n' })
    await checkout(checkouts, sha)
    await expect(checkout(checkouts, sha, { credential: null })).rejects.toMatchObject({
      code: 'checkout_failed',
    })
  })
})

describe('a mirror', () => {
  test('of a repository that the server hosts is one for all runs of a project', async () => {
    const opens = checkouts(() => 'https://takt.test', undefined)
    const asked = (id: number) => ({
      ...opens({ kind: 'hosted', url: 'shop', ofProject: true }, { id: id as RunId, lease: `lease-${id}` }),
      depth: 1,
    })
    expect(mirrorPath('mirrors', 'shop', asked(1))).toBe(mirrorPath('mirrors', 'shop', asked(2)))
  })

  test('that nobody has used for two weeks is removed, and one in use stays', async () => {
    const sha = await git.commit({ 'a.txt': 'a' })
    const checkouts = machine()
    await checkout(checkouts, sha, { project: 'old' })
    await checkout(checkouts, sha)
    const [first = ''] = await mirrors()
    expect(await mirrors()).toHaveLength(2)
    now += 13 * DAY_MS
    for (const name of await mirrors()) {
      const used = new Date(now - (name === first ? 15 : 1) * DAY_MS)
      await utimes(join(folder, 'mirrors', name), used, used)
    }
    await checkout(checkouts, sha, { project: 'third' })
    expect(await mirrors()).toHaveLength(2)
    expect(await mirrors()).not.toContain(first)
  })

  test('is in use with every checkout off it', async () => {
    const sha = await git.commit({ 'a.txt': 'a' })
    await checkout(machine(), sha)
    const [name = ''] = await mirrors()
    const long = new Date(now - 13 * DAY_MS)
    await utimes(join(folder, 'mirrors', name), long, long)
    await checkout(machine(), sha)
    now += 2 * DAY_MS
    const requests = git.seen.length
    await checkout(machine(), sha)
    expect(git.seen).toHaveLength(requests)
  })

  test('that was about to be removed when the runner was killed is removed in its next life', async () => {
    const sha = await git.commit({ 'a.txt': 'a' })
    const checkouts = machine()
    await checkout(checkouts, sha)
    const [name = ''] = await mirrors()
    const gone = join(folder, 'mirrors', `${name}.gone`)
    await rename(join(folder, 'mirrors', name), gone)
    await utimes(gone, new Date(0), new Date(0))
    await checkout(machine(), sha)
    expect(await mirrors()).toEqual([name])
  })
})
