import { rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { differencesOf } from '../../server/webhooks/differences.ts'
import { compareRefs } from '../../server/webhooks/compare-refs.ts'
import { publicGit } from '../support/public-git.ts'
import { type House, startHouse } from '../support/server.ts'
import { settled, tell, told, ZERO } from '../support/told.ts'
import { until } from '../support/until.ts'

const FILE = {
  '.takt.yml': 'triggers: { push: ["**"], tag: v*, pull_request: main }\njobs: { test: { run: say x } }',
}

/** What became of everything, oldest first, when as much has been told. */
const reasons = (house: House, count: number) =>
  until(async () => {
    const all = await settled(house)
    return all.length >= count && all.map(({ reason }) => reason).toReversed()
  })

test.each([
  ['nothing moved', { a: '1' }, { a: '1' }, { a: '1' }, []],
  ['a branch moved', { a: '2' }, { a: '1' }, { a: '1' }, [['a', '1', '2']]],
  ['a move that was told late already', { a: '2' }, { a: '1' }, { a: '2' }, []],
  ['a new branch', { a: '1', b: '3' }, { a: '1' }, { a: '1' }, [['b', null, '3']]],
  ['a branch that is gone', {}, { a: '1' }, { a: '1' }, [['a', '1', null]]],
  ['a branch that was gone before', {}, { a: null }, {}, []],
  ['a branch that came back', { a: '2' }, { a: null }, {}, [['a', null, '2']]],
  ['a request’s head that is not shown any more', {}, { 'refs/pull/1/head': '1' }, {}, []],
])('of %s is told what nobody told of', (_, now, applied, seen, expected) => {
  const of = <Value>(rows: object) => new Map(Object.entries(rows) as [string, Value][])
  const known = { applied: of<string | null>(applied), seen: of<string>(seen), isFirst: false, main: 'main' }
  expect(differencesOf(of(now), known).map(({ ref, before, after }) => [ref, before, after])).toEqual(
    expected,
  )
})

test('what was there before anybody compared is no news, but for the default branch', () => {
  const now = new Map(Object.entries({ main: '1', old: '2' }))
  const known = { applied: new Map(), seen: new Map(), isFirst: true, main: 'main' }
  expect(differencesOf(now, known)).toEqual([{ ref: 'main', before: null, after: '1' }])
})

test('pushes, new branches, tags and deletions that nobody told of are found when the server starts', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tellPush = await told(house, git)
  const first = await git.clone.push(FILE)
  await tellPush(ZERO, first)
  const work = await git.clone.push({ a: '1' }, { branch: 'work' })
  await tellPush(ZERO, work, 'refs/heads/work')
  await house.restart()
  await until(async () => (await house.ask('GET /api/v1/projects/shop/catch-up')).body.compared_at)
  expect(await reasons(house, 2)).toHaveLength(2)

  await git.clone.git('checkout', '-q', first)
  const second = await git.clone.push({ n: '2' })
  await git.clone.git('tag', '-a', 'v1', '-m', 'One')
  await git.clone.git('push', '-q', 'origin', 'v1', ':work', `${second}:refs/heads/next`)
  await house.restart()
  expect((await reasons(house, 6)).slice(2).toSorted()).toEqual([
    expect.stringContaining(`shop/main: src ${second.slice(0, 7)} on main`),
    expect.stringContaining(`shop/main: src ${second.slice(0, 7)} on next`),
    expect.stringContaining(`shop/main: src ${second.slice(0, 7)} on tag/v1`),
    'work is gone; shop/main closed',
  ])
  const { body } = await house.ask('GET /api/v1/projects/shop/catch-up')
  expect(body).toMatchObject({ told: 4, error: null })
})

test('on demand a line that nobody told of begins with its default branch, whatever that is called, and is told of once', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  await git.clone.push(FILE, { branch: 'trunk' })
  const sha = await git.clone.push({ n: '2' }, { branch: 'trunk' })
  await git.clone.push({ n: '3' }, { branch: 'old' })
  await git.clone.git('--git-dir', git.bare, 'symbolic-ref', 'HEAD', 'refs/heads/trunk')
  await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
  expect((await house.ask('POST /api/v1/projects/shop/catch-up')).status).toBe(202)
  expect(await reasons(house, 1)).toEqual([`shop/main: src ${sha.slice(0, 7)} on trunk`])
  expect((await house.ask('GET /api/v1/projects/shop')).body.repository.default_branch).toBe('trunk')
  const compared = async () => (await house.ask('GET /api/v1/projects/shop/catch-up')).body.compared_at
  const before = await until(compared)
  await house.ask('POST /api/v1/projects/shop/catch-up')
  await until(async () => (await compared()) !== before)
  expect(await reasons(house, 1)).toHaveLength(1)
})

test('a pull request’s new commits are found; a repository that shows nothing closes nothing', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tellPush = await told(house, git)
  const base = await git.clone.push(FILE)
  await tellPush(ZERO, base)
  const head = await git.clone.push({ a: '1' }, { branch: 'pay' })
  const repository = { id: 42, clone_url: git.url, default_branch: 'main' }
  const pull_request = {
    ...{ title: 'Pay', user: { login: 'ann' }, labels: [] },
    ...{ head: { sha: head, ref: 'pay', repo: { id: 42 } }, base: { sha: base, ref: 'main' } },
  }
  await tell(house, 'pull_request', { action: 'opened', number: 7, pull_request, repository })
  const next = await git.clone.push({ a: '2' }, { branch: 'pay' })
  await git.clone.git('push', '-q', 'origin', 'HEAD:refs/pull/7/head')
  await house.ask('POST /api/v1/projects/shop/catch-up')
  expect((await reasons(house, 3))[2]).toBe(`shop/main: src ${next.slice(0, 7)} on pr/7`)

  const { id } = await house.db.selectFrom('repositories').select('id').executeTakeFirstOrThrow()
  await rm(`${git.bare}/refs`, { recursive: true })
  await git.clone.git('--git-dir', git.bare, 'init', '-q', '--bare', '--initial-branch=main')
  const deps = {
    ...{ db: house.db, forges: { dataDir: house.dataDir, githubToken: undefined } },
    pullForges: { known: [], tokenOf: async () => null },
  }
  const due = { id, isFirst: false, isUnlisted: false, failures: 0 }
  expect(await compareRefs(deps, due)).toEqual({
    error: expect.stringContaining('shows no refs at all'),
  })
  await git[Symbol.asyncDispose]()
  expect(await compareRefs(deps, due)).toEqual({
    error: expect.stringContaining('does not show the refs'),
  })
})
