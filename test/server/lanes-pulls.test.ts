import { expect, test } from 'vitest'
import { git as run } from '../../server/forges/git.ts'
import { publicGit } from '../support/public-git.ts'
import { published, withPull } from '../support/pull.ts'
import { startRunner } from '../support/runner.ts'
import { type House, startHouse } from '../support/server.ts'
import { line, orderOf, tell, told, ZERO } from '../support/told.ts'
import { until } from '../support/until.ts'

const ALL = '{ push: main, pull_request: main }'
const short = (sha: string) => sha.slice(0, 7)
const runsOn = async (house: House, lane: string) =>
  (await house.ask(`GET /api/v1/runs?lane=${lane}`)).body.items

test('a pull request becomes versions of a lane of its own, until it is closed', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const pull = await withPull(house, git, ALL)
  const first = await pull.commit({ a: '1' })
  expect(await pull.say('opened')).toMatchObject({
    state: 'processed',
    reason: `shop/main: src ${short(first)} on pr/2`,
  })
  const second = await pull.commit({ a: '2' })
  await pull.say('synchronize', { more: { before: first, after: second } })
  expect(await orderOf(house, {}, 'pr/2')).toEqual([first, second])
  const { body } = await house.db
    .selectFrom('versions')
    .select('body')
    .where('name', '=', second)
    .executeTakeFirstOrThrow()
  expect(body).toMatchObject({
    ref: 'refs/pull/2/head',
    pull: {
      number: 2,
      title: published('synchronize').pull_request.title,
      author: published('synchronize').pull_request.user.login,
      base: 'main',
      head: 'changes',
    },
  })
  const lane = await house.db.selectFrom('lanes').select('kind').where('name', '=', 'pr/2').executeTakeFirst()
  expect(lane).toEqual({ kind: 'pull_request' })
  expect((await line(house)).resources[0].newest.name).toBe(pull.main)

  expect((await pull.say('closed')).reason).toBe('pr/2 is closed; shop/main closed')
  const closed = async () =>
    (await line(house)).lanes.find((each: { name: string }) => each.name === 'pr/2').closed
  expect(await closed()).toBe(true)
  expect((await pull.say('reopened')).reason).toContain('was known on pr/2')
  expect(await closed()).toBe(false)
  expect((await pull.say('closed', { pull: { merged: true } })).reason).toContain('pr/2 is merged')
})

test('a runner checks a pull request out by its commit and knows its number', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const pull = await withPull(house, git, '{ push: none, pull_request: main }')
  const sha = await pull.commit({ a: 'what the pull request brings' })
  await using _runner = await startRunner(house, { engine: 'local' })
  await pull.say('opened')
  const done = await until(
    async () => {
      const [first] = await runsOn(house, 'pr/2')
      return first && ['succeeded', 'failed', 'errored'].includes(first.state) && first
    },
    { withinMs: 20_000 },
  )
  const log = await house.ask(`GET /api/v1/runs/${done.id}/log`, undefined, {
    headers: { accept: 'text/plain' },
  })
  expect(done).toMatchObject({ state: 'succeeded', lane: 'pr/2', inputs: [{ version: sha }] })
  expect(log.text).toContain('number=2 of pr/2\nwhat the pull request brings\n')
  const refs = (await run(['for-each-ref', '--format=%(refname)'], { dir: git.bare })).toString()
  expect(refs.trim().split('\n')).toEqual(['refs/heads/main', 'refs/pull/2/head'])
})

test('the file of a pull request is the one at its head', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const pull = await withPull(house, git, ALL)
  const sha = await pull.commit({
    '.takt.yml': `triggers: ${ALL}\njobs: { test: { run: say x }, extra: { run: say y } }`,
  })
  await pull.say('opened')
  const { revision, jobs } = await line(house, 'pr/2')
  expect(revision.sha).toBe(sha)
  expect(jobs.map((job: { name: string }) => job.name)).toEqual(['test', 'extra'])
  expect((await line(house)).jobs).toHaveLength(1)
})

test('a pull request that is pushed over leaves its old commits behind', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const pull = await withPull(house, git, ALL)
  const first = await pull.commit({ a: '1' })
  await pull.say('opened')
  await git.clone.git('reset', '-q', '--hard', pull.main)
  const second = await pull.commit({ a: '2' })
  const { reason } = await pull.say('synchronize', { more: { before: first, after: second } })
  expect(reason).toBe(`shop/main: src ${short(second)} on pr/2, force-push: 1 version left behind`)
  expect(await orderOf(house, {}, 'pr/2')).toEqual([`(${first})`, second])
})

test('a draft waits until it is ready, where drafts do not count', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const pull = await withPull(house, git, '{ push: main, pull_request: { drafts: false } }')
  const sha = await pull.commit({ a: '1' })
  expect(await pull.say('opened', { pull: { draft: true } })).toMatchObject({
    state: 'ignored',
    reason: 'shop/main: pr/2 is a draft: `triggers.pull_request.drafts` is false',
  })
  expect((await pull.say('ready_for_review')).reason).toBe(`shop/main: src ${short(sha)} on pr/2`)
})

test('where labels are asked for, the label makes the version', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const pull = await withPull(house, git, '{ push: main, pull_request: { labels: preview } }')
  const sha = await pull.commit({ a: '1' })
  expect((await pull.say('opened')).reason).toBe('shop/main: pr/2 has none of the labels preview')
  const labels = [{ name: 'bug' }, { name: 'preview' }]
  expect((await pull.say('labeled', { pull: { labels } })).reason).toBe(
    `shop/main: src ${short(sha)} on pr/2`,
  )
  expect((await pull.say('labeled', { pull: { labels } })).reason).toContain('was known on pr/2')
})

test('the paths of a pull request are all that it would bring', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const pull = await withPull(house, git, '{ push: main, pull_request: { paths: src/** } }')
  const first = await pull.commit({ 'docs/a': '1' })
  expect((await pull.say('opened')).reason).toBe(
    `shop/main: no version of ${short(first)} on pr/2: paths filter: touches none of src/**`,
  )
  const second = await pull.commit({ 'src/a': '1' })
  await pull.say('synchronize', { more: { before: first, after: second } })
  const third = await pull.commit({ 'docs/a': '2' })
  const { reason } = await pull.say('synchronize', { more: { before: second, after: third } })
  expect(reason).toBe(`shop/main: src ${short(third)} on pr/2`)
  const rows = await house.db.selectFrom('versions').select('changed').where('name', '=', third).execute()
  expect(rows).toEqual([{ changed: ['docs/a', 'src/a'] }])
})

test.each([
  ['of another repository', ALL, { id: 7 }, 'SHA waits for an approval'],
  ['of a repository that is gone', ALL, null, 'SHA waits for an approval'],
  [
    'that forks are kept out by the file',
    '{ push: main, pull_request: { forks: ignore } }',
    { id: 7 },
    '`triggers.pull_request.forks` says ignore',
  ],
])('nothing of a fork is read before somebody was asked: %s', async (_, triggers, repo, words) => {
  await using house = await startHouse()
  await using git = await publicGit()
  const pull = await withPull(house, git, triggers)
  const sha = await pull.commit({ a: 'of somebody else' })
  const seen = git.fetches()
  const from = { sha, ref: 'main', repo }
  expect(await pull.say('opened', { pull: { head: from } })).toMatchObject({
    state: 'ignored',
    reason: `shop/main: pr/2 comes from a fork: ${words.replace('SHA', short(sha))}`,
  })
  expect(git.fetches()).toBe(seen)
  expect(await orderOf(house, {}, 'pr/2')).toEqual([])
})

test('a pull request to a branch nobody listens to, or one that only changed its words, starts nothing', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const pull = await withPull(house, git, ALL)
  await pull.commit({ a: '1' })
  const base = { sha: pull.main, ref: 'dev' }
  expect((await pull.say('opened', { pull: { base } })).reason).toBe(
    'shop/main: pr/2 `triggers.pull_request` does not match `dev`: the pipeline listens to main',
  )
  expect((await pull.say('assigned')).reason).toBe('the action `assigned` of a pull request starts nothing')
  expect(await orderOf(house, {}, 'pr/2')).toEqual([])
})

test('only resources of the repository itself have versions on the lane of a pull request', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const push = await told(house, git)
  const file = (resources: string) =>
    `resources: { ${resources} }\ntriggers: ${ALL}\njobs: { test: { get: src, run: say x } }`
  const main = await git.clone.push({
    '.takt.yml': file(`src: { git: . }, same: { git: "${git.url}" }, only: { git: ., branch: main }`),
  })
  expect((await push(ZERO, main)).reason).toBe(
    `shop/main: src ${short(main)} on main; shop/main: same, only ${short(main)} on main`,
  )
  await git.clone.git('push', '-q', 'origin', 'HEAD:refs/pull/2/head')
  const repo = { id: 42, clone_url: git.url, default_branch: 'main' }
  const payload = published('opened')
  const at = { sha: main, ref: 'changes', repo }
  const delivery = await tell(house, 'pull_request', {
    ...payload,
    repository: repo,
    pull_request: { ...payload.pull_request, head: at, base: { sha: main, ref: 'main', repo } },
  })
  expect(delivery.reason).toBe(`shop/main: src ${short(main)} on pr/2`)
})

test('a fork’s pull request to a repository without a good file is ignored, too', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const pull = await withPull(house, git, 'nonsense')
  const { reason } = await pull.say('opened', { pull: { head: { sha: pull.main, ref: 'x', repo: null } } })
  expect(reason).toBe('pr/2 comes from a fork, and no file in force says what becomes of it')
})

test('a pull request that is to go to another branch is looked at anew; an edit of its words starts nothing', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const pull = await withPull(house, git, ALL)
  const sha = await pull.commit({ a: '1' })
  const base = { sha: pull.main, ref: 'next', repo: { id: 42 } }
  expect((await pull.say('opened', { pull: { base } })).reason).toContain('main')
  expect(await orderOf(house, {}, 'pr/2')).toEqual([])
  const words = { action: 'edited', changes: { title: { from: 'Pay' } } }
  expect((await pull.say('opened', { more: words })).state).toBe('ignored')
  expect(await orderOf(house, {}, 'pr/2')).toEqual([])
  await pull.say('opened', { more: { action: 'edited', changes: { base: { ref: { from: 'next' } } } } })
  expect(await orderOf(house, {}, 'pr/2')).toEqual([sha])
})
