import { expect, test } from 'vitest'
import { ForgeRefusal } from '../../server/forges/forge-refusal.ts'
import { giteaPulls } from '../../server/forges/gitea-pulls.ts'
import { githubPulls } from '../../server/forges/github-pulls.ts'
import { gitlabPulls } from '../../server/forges/gitlab-pulls.ts'
import type { PullChange, PullForge } from '../../server/forges/pull-lists.ts'
import type { DeliverySource } from '../../server/db/hook-tables.ts'
import { factsOf, pullDifferences } from '../../server/webhooks/pull-differences.ts'
import { readDelivery } from '../../server/webhooks/read-delivery.ts'
import { type FakeForge, fakeGitea, fakeGithub, fakeGitlab } from '../support/fake-forges.ts'
import type { FakePull } from '../support/fake-pulls.ts'
import { publicGit } from '../support/public-git.ts'
import { type House, startHouse } from '../support/server.ts'
import { settled, tell, told, ZERO } from '../support/told.ts'
import { until } from '../support/until.ts'

const [A, B] = ['1'.repeat(40), '2'.repeat(40)]
const FACTS = { base: 'main', draft: false, labels: ['b', 'a'] }
const shown = (sha: string | null, more: object = {}) =>
  ({ number: 7, repositoryId: '42', sha, ...FACTS, told: () => ({}), ...more }) as const
const known = (sha: string | null, facts: string | null = factsOf(FACTS)) => new Map([[7, { sha, facts }]])

test.each([
  ['is as it was told', shown(A), known(A), null],
  ['has its labels in another order', shown(A, { labels: ['a', 'b'] }), known(A), null],
  ['was told of before that was written down', shown(A, { draft: true }), known(A, null), null],
  ['was opened', shown(A), new Map(), { what: 'opened', before: null }],
  ['was opened and closed again', shown(null), new Map(), null],
  ['has other commits', shown(B), known(A), { what: 'pushed', before: A }],
  [
    'is a draft no more',
    shown(A),
    known(A, factsOf({ ...FACTS, draft: true })),
    { what: 'changed', before: null },
  ],
  ['has another label', shown(A, { labels: ['c'] }), known(A), { what: 'changed', before: null }],
  ['goes to another branch', shown(A, { base: 'next' }), known(A), { what: 'changed', before: null }],
  ['was closed', shown(null), known(A), { what: 'closed', before: null }],
  ['was closed, as was told', shown(null), known(null), null],
  ['was opened again', shown(A), known(null), { what: 'reopened', before: null }],
])('of a pull request that %s is told what nobody told of', (_, pull, before, change) => {
  const found = pullDifferences([pull], { known: before, isFirst: false })
  expect(found.map((each) => each.change)).toEqual(change ? [change] : [])
})

test('pull requests that were open before anybody listed them are no news, but what was told of them is held against them', () => {
  const both = [shown(A), { ...shown(B), number: 8 }]
  const found = pullDifferences(both, {
    known: new Map([[8, { sha: A, facts: null }]]),
    isFirst: true,
  })
  expect(found.map(({ pull, change }) => [pull.number, change.what])).toEqual([[8, 'pushed']])
})

type Case = readonly [
  name: Extract<DeliverySource, 'github' | 'gitlab' | 'gitea'>,
  fake: () => Promise<FakeForge>,
  forge: (url: string) => PullForge,
  repository: string,
]
const FORGES: readonly Case[] = [
  ['github', fakeGithub, (api) => githubPulls({ api, access: { token: 'gh-token' } }), 'acme/shop'],
  ['gitlab', fakeGitlab, (url) => gitlabPulls({ url, token: 'glpat' }), 'acme/tools/shop'],
  ['gitea', fakeGitea, (url) => giteaPulls({ url, token: 'gt' }), 'acme/shop'],
]
const listing = (repository: string, open: readonly number[] = []) => ({
  ...{ repository, url: 'https://git.acme.io/acme/shop.git', open, signal: new AbortController().signal },
})

test.each(FORGES)(
  '%s shows its pull requests in words that its hook is read in',
  async (name, fake, forge, at) => {
    await using house = await fake()
    const pulls: FakePull[] = [
      { number: 1, sha: A, labels: ['ready'] },
      { number: 2, sha: B, draft: true, fork: true, base: 'next' },
      { number: 3, sha: A, state: 'closed' },
      { number: 4, sha: B, state: 'merged' },
      { number: 5, sha: B, state: 'closed' },
    ]
    for (const pull of pulls) house.pulls.set(pull.number, pull)
    const { event, pulls: list } = forge(house.url)
    const found = await list(listing(at, [1, 3, 4]))
    expect(found.map(({ number, sha, repositoryId }) => [number, sha, repositoryId])).toEqual([
      [1, A, '42'],
      [2, B, '42'],
      [3, null, '42'],
      [4, null, '42'],
    ])
    const read = (index: number, what: PullChange['what'], before: string | null = null) => {
      const body = Buffer.from(JSON.stringify(found[index]!.told({ what, before })))
      const meaning = readDelivery({ source: name, delivery_id: 'x', event, body })
      if (!('push' in meaning)) throw new Error(JSON.stringify(meaning))
      return meaning.push
    }
    expect(read(0, 'opened')).toMatchObject({
      ...{ ref: 'refs/pull/1/head', after: A, before: null },
      pull: { number: 1, title: 'Pull 1', author: 'ann', base: 'main', fork: false, draft: false },
    })
    expect(read(0, 'pushed', B)).toMatchObject({ after: A, before: B, pull: { labels: ['ready'] } })
    for (const what of ['reopened', 'changed'] as const)
      expect(read(1, what)).toMatchObject({ after: B, pull: { fork: true, draft: true, base: 'next' } })
    expect(read(2, 'closed')).toMatchObject({ after: null, pull: { over: 'closed' } })
    expect(read(3, 'closed')).toMatchObject({ after: null, pull: { over: 'merged' } })
  },
)

test.each(FORGES)('%s is asked for page after page', async (_, fake, forge, at) => {
  await using house = await fake()
  for (let number = 1; number <= 130; number++) house.pulls.set(number, { number, sha: A })
  expect(await forge(house.url).pulls(listing(at))).toHaveLength(130)
})

test.each(FORGES)(
  '%s that shows what its API does not promise, or nothing, is refused',
  async (_, fake, forge, at) => {
    await using house = await fake()
    const { pulls } = forge(house.url)
    house.answer(() => Response.json([{ number: 'one', iid: 'one' }]))
    await expect(pulls(listing(at))).rejects.toThrow(/not of the expected shape: 0\.(number|iid)/)
    house.answer(() => Response.json({ message: 'Resource not accessible by integration' }, { status: 403 }))
    await expect(pulls(listing(at))).rejects.toThrow(ForgeRefusal)
  },
)

const FILE = { '.takt.yml': 'triggers: { push: main, pull_request: main }\njobs: { test: { run: say x } }' }

/** A project on a fake GitHub, whose pull requests were listed once. */
async function watched({ serverToken = 'gh-token', path = 'shop' } = {}) {
  const stack = new AsyncDisposableStack()
  const git = stack.use(await publicGit(path))
  const forge = stack.use(await fakeGithub({ cloneUrl: git.url }))
  const house = stack.use(await startHouse({ GITHUB_API_URL: forge.url, GITHUB_TOKEN: serverToken }))
  await told(house, git)
  const main = await git.clone.push(FILE)
  const repository = { id: 42, full_name: 'acme/shop', clone_url: git.url, default_branch: 'main' }
  const listed = async () => {
    const rows = await house.db.selectFrom('comparisons').select('listed_at').execute()
    return rows[0]?.listed_at?.getTime() ?? 0
  }
  const compare = async () => {
    const before = await listed()
    await house.ask('POST /api/v1/projects/shop/catch-up')
    await until(async () => (await listed()) > before)
    return reasons(house)
  }
  await tell(house, 'push', { ref: 'refs/heads/main', before: ZERO, after: main, repository })
  return {
    ...{ house, git, forge, main, compare },
    async commit(files: Record<string, string>, number: number) {
      const sha = await git.clone.commit(files)
      await git.clone.git('push', '-q', '--force', 'origin', `HEAD:refs/pull/${number}/head`)
      return sha
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
/** What became of everything, oldest first. */
const reasons = async (house: House) => (await settled(house)).map(({ reason }) => reason).toReversed()
const short = (sha: string) => sha.slice(0, 7)

test('pull requests that were opened, pushed to, closed and opened again while nobody told of it are found', async () => {
  await using it = await watched()
  const { forge } = it
  const old = await it.commit({ a: '0' }, 1)
  forge.pulls.set(1, { number: 1, sha: old })
  expect(await it.compare()).toHaveLength(1) // open before anybody listed them

  const first = await it.commit({ a: '1' }, 2)
  forge.pulls.set(2, { number: 2, sha: first })
  expect((await it.compare()).slice(1)).toEqual([`shop/main: src ${short(first)} on pr/2`])
  await until(
    async () => (await it.house.ask('GET /api/v1/runs?lane=pr/2')).body.items[0]?.state === 'queued',
  )

  const second = await it.commit({ a: '2' }, 2)
  forge.pulls.set(2, { number: 2, sha: second })
  expect((await it.compare()).slice(2)).toEqual([`shop/main: src ${short(second)} on pr/2`])
  forge.pulls.set(2, { number: 2, sha: second, state: 'merged' })
  forge.pulls.set(1, { number: 1, sha: old, state: 'closed' })
  expect((await it.compare()).slice(3).toSorted()).toEqual([
    'pr/1 is closed; no lane closed',
    'pr/2 is merged; shop/main closed',
  ])
  forge.pulls.set(2, { number: 2, sha: second })
  expect((await it.compare()).slice(5)).toEqual([expect.stringContaining('was known on pr/2')])
  expect(await it.compare()).toHaveLength(6) // nothing is told twice
})

test('what its hook told of is no news; a fork that was opened meanwhile waits for somebody’s word, and its closing ends that', async () => {
  await using it = await watched()
  await it.compare()
  const head = await it.commit({ a: '1' }, 3)
  const repository = { id: 42, full_name: 'acme/shop', clone_url: it.git.url, default_branch: 'main' }
  const repo = { id: 42, owner: { login: 'acme' } }
  const pull_request = {
    ...{ title: 'Pull 3', user: { login: 'ann' }, labels: [], head: { sha: head, ref: 'work', repo } },
    base: { sha: it.main, ref: 'main' },
  }
  await tell(it.house, 'pull_request', { action: 'opened', number: 3, pull_request, repository })
  it.forge.pulls.set(3, { number: 3, sha: head })
  expect(await it.compare()).toHaveLength(2)

  const stranger = await it.commit({ a: 'strange' }, 4)
  it.forge.pulls.set(4, { number: 4, sha: stranger, fork: true })
  expect((await it.compare())[2]).toContain('comes from a fork')
  const waiting = async () => (await it.house.ask('GET /api/v1/pulls?state=waiting')).body.items
  expect(await waiting()).toMatchObject([{ number: 4, head: stranger, author: 'eve' }])
  it.forge.pulls.set(4, { number: 4, sha: stranger, fork: true, state: 'closed' })
  await it.compare()
  expect(await waiting()).toEqual([])
})

test('a forge that does not answer hides no push, and its words are shown; what has our name but another number tells us nothing', async () => {
  await using it = await watched()
  await it.compare()
  it.forge.answer(() => Response.json({ message: 'Unicorn!' }, { status: 502 }))
  await it.git.clone.git('checkout', '-q', it.main)
  const next = await it.git.clone.push({ n: '2' })
  const standing = async () => (await it.house.ask('GET /api/v1/projects/shop/catch-up')).body
  await it.house.ask('POST /api/v1/projects/shop/catch-up')
  expect(await until(async () => (await standing()).error)).toBe(
    'its pull requests cannot be listed: GitHub answered 502: Unicorn!',
  )
  expect(await until(async () => (await reasons(it.house))[1])).toBe(`shop/main: src ${short(next)} on main`)

  it.forge.answer(() => undefined)
  it.forge.pulls.set(5, { number: 5, sha: next, repository: 66 })
  await it.house.ask('POST /api/v1/projects/shop/catch-up')
  await until(async () =>
    (await standing()).error?.includes('is another repository now (number 66, and ours is 42)'),
  )
  expect(await reasons(it.house)).toHaveLength(2)
})

test('without a token of the server’s, pull requests are listed by their project’s own, at the host of its repository alone', async () => {
  await using it = await watched({ serverToken: '', path: 'acme/shop' })
  const standing = async () => (await it.house.ask('GET /api/v1/projects/shop/catch-up')).body
  await it.house.ask('PUT /api/v1/projects/shop/secrets/FORGE_TOKEN', { value: 'wrong' })
  await it.house.ask('POST /api/v1/projects/shop/catch-up')
  expect(await until(async () => (await standing()).error)).toContain('its pull requests cannot be listed')

  await it.house.ask('PUT /api/v1/projects/shop/secrets/FORGE_TOKEN', { value: 'gh-token' })
  await it.compare()
  const head = await it.commit({ a: '1' }, 2)
  it.forge.pulls.set(2, { number: 2, sha: head })
  expect((await it.compare()).slice(1)).toEqual([`shop/main: src ${short(head)} on pr/2`])
  expect((await standing()).error).toBe(null)
  const shown = it.forge.heard.filter(({ path }) => path.endsWith('/pulls')).at(-1)
  expect(shown?.authorization).toBe('token gh-token')
})
