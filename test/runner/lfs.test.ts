import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Checkouts } from '../../runner/checkout.ts'
import { type GitServer, serveGit } from '../engines/git-server.ts'
import { type LfsServer, serveLfs } from '../engines/lfs-server.ts'
import { checkoutOf } from './plans.ts'

const credential = { username: 'run', password: 'the-lease-of-run-7' }
const ATTRIBUTES = '*.bin filter=lfs diff=lfs merge=lfs -text\n'

let folder: string
let git: GitServer
let lfs: LfsServer
let places = 0

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'takt-lfs-'))
  git = await serveGit(credential)
  lfs = await serveLfs(git)
})
afterEach(async () => {
  await lfs[Symbol.asyncDispose]()
  await git[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

async function checkout(sha: string, wanted: { lfs: boolean }, path = process.env['PATH'] ?? '') {
  const place = join(folder, `place-${++places}`)
  const checkout = checkoutOf({ url: lfs.url, sha, ref: 'refs/heads/main', credential, ...wanted })
  const options = { signal: new AbortController().signal, say: async () => {} }
  await new Checkouts(folder, { PATH: path }).materialise({ project: 'shop', checkout }, place, options)
  return (name: string) => readFile(join(place, name), 'utf8')
}
const downloads = () => lfs.seen.filter(({ path }) => path.startsWith('/objects/')).length

describe('large files', () => {
  test('stand in the place of their pointers where they are asked for, each fetched once', async () => {
    const first = await git.commit({
      '.gitattributes': ATTRIBUTES,
      'a.bin': lfs.keep('large\n'),
      b: 'small\n',
    })
    const read = await checkout(first, { lfs: true })
    expect(await read('a.bin')).toBe('large\n')
    expect(await read('b')).toBe('small\n')
    expect(downloads()).toBe(1)
    const second = await git.commit({ 'c.bin': lfs.keep('larger\n') })
    const again = await checkout(second, { lfs: true })
    expect(await again('a.bin')).toBe('large\n')
    expect(await again('c.bin')).toBe('larger\n')
    expect(downloads()).toBe(2)
  })

  test('stay away where nobody asked for them', async () => {
    const sha = await git.commit({ '.gitattributes': ATTRIBUTES, 'a.bin': lfs.keep('large\n') })
    expect(await (await checkout(sha, { lfs: false }))('a.bin')).toMatch(/^version https/)
    expect(lfs.seen).toEqual([])
  })

  test('come from the repository’s own server, whatever a file of it says', async () => {
    await using elsewhere = await serveLfs(git)
    const config = `[lfs]\n\turl = ${new URL(elsewhere.url).origin}/info/lfs\n`
    const files = { '.gitattributes': ATTRIBUTES, '.lfsconfig': config, 'a.bin': lfs.keep('large\n') }
    const read = await checkout(await git.commit(files), { lfs: true })
    expect(await read('a.bin')).toBe('large\n')
    expect(elsewhere.seen).toEqual([])
  })

  test('leave no credential on disk', async () => {
    const sha = await git.commit({ '.gitattributes': ATTRIBUTES, 'a.bin': lfs.keep('large\n') })
    const read = await checkout(sha, { lfs: true })
    const shown = lfs.seen.map(({ authorization }) => authorization)
    expect(shown).toContain(`Basic ${Buffer.from('run:the-lease-of-run-7').toString('base64')}`)
    expect(await read('.git/config')).not.toMatch(/lease|Basic|extraHeader/i)
  })

  test('that are not there end the run with the words of git-lfs', async () => {
    const pointer = lfs.keep('large\n').replace(/oid sha256:./, 'oid sha256:0')
    const sha = await git.commit({ '.gitattributes': ATTRIBUTES, 'a.bin': pointer })
    await expect(checkout(sha, { lfs: true })).rejects.toMatchObject({
      code: 'checkout_failed',
      message: expect.stringMatching(/not here/),
    })
  })
})
