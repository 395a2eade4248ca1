import { expect, test } from 'vitest'
import { type FakeForge, fakeGithub } from '../support/fake-forges.ts'
import { publicGit } from '../support/public-git.ts'
import { startRunner } from '../support/runner.ts'
import { type House, startHouse } from '../support/server.ts'
import { tell, told, ZERO } from '../support/told.ts'
import { until } from '../support/until.ts'

const FILE = `jobs:
  test: { run: 'test -e good' }
  lint: { run: 'exit 3', allow_failure: true }
  after: { needs: test, run: echo }
`
const LINE = 'takt/shop/main'

/** A project on a forge that is told, and a push to it. */
async function onForge(forge: FakeForge, settings: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack()
  const house = stack.use(
    await startHouse({ GITHUB_API_URL: forge.url, GITHUB_TOKEN: 'gh-token', ...settings }),
  )
  const git = stack.use(await publicGit('shop'))
  await told(house, git)
  const repository = { id: 42, full_name: 'acme/shop', clone_url: git.url, default_branch: 'main' }
  let before = ZERO
  return {
    ...{ house, git, repository },
    async push(files: Record<string, string>, ref = 'refs/heads/main') {
      const after = await git.clone.push(files)
      const delivery = await tell(house, 'push', { ref, before, after, repository })
      before = after
      return { sha: after, delivery }
    },
    run: () => startRunner(house, { engine: 'local' }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const shows = (forge: FakeForge, sha: string, wanted: Record<string, string>) =>
  until(
    () => {
      const shown = forge.shown(sha)
      return JSON.stringify(shown, Object.keys(shown).toSorted()) ===
        JSON.stringify(wanted, Object.keys(wanted).toSorted())
        ? shown
        : Promise.reject(new Error(JSON.stringify(shown)))
    },
    { withinMs: 20_000 },
  )
const listed = async (house: House, query = '') => (await house.ask(`GET /api/v1/statuses${query}`)).body

test('a commit has a check of the line and a status of each job that failed, each with its link', async () => {
  await using forge = await fakeGithub()
  await using it = await onForge(forge)
  const { sha } = await it.push({ '.takt.yml': FILE })
  await shows(forge, sha, { [LINE]: 'queued' })
  await using _runner = await it.run()
  await shows(forge, sha, { [LINE]: 'failure', [`${LINE}/test`]: 'failure' })
  const line = forge.heard.findLast(({ path }) => path.includes('check-runs'))!
  expect(line.body).toMatchObject({
    status: 'completed',
    conclusion: 'failure',
    details_url: `${it.house.url}/p/shop/main?lane=main`,
    output: { title: 'failed: test' },
  })
  const [job] = forge.heard.filter(({ path }) => path.includes('/statuses/'))
  const { body } = await it.house.ask('GET /api/v1/runs?job=test')
  expect(job!.body).toMatchObject({
    ...{ state: 'failure', context: `${LINE}/test`, description: '#1 failed' },
    target_url: `${it.house.url}/runs/${body.items[0].id}`,
  })
  // Mended by a commit, amber for what may fail.
  const good = await it.push({ good: '' })
  await shows(forge, good.sha, { [LINE]: 'neutral' })
  expect(forge.heard.findLast(({ path }) => path.includes('check-runs'))!.body.output.title).toBe(
    'passed; failed and allowed to: lint',
  )
  expect((await listed(it.house)).items).toMatchObject([
    { sha: good.sha, name: LINE, verdict: 'allowed', state: 'sent', error: null },
    { sha, name: `${LINE}/test`, verdict: 'failed', state: 'sent' },
    { sha, name: LINE, verdict: 'failed', state: 'sent' },
  ])
})

test('with a person’s token the line is a status like its jobs, and a retry that is green takes the red off', async () => {
  await using forge = await fakeGithub({ checks: false })
  await using it = await onForge(forge)
  const file = `jobs: { test: { run: 'test -e /tmp/takt-$TAKT_RUN -o "$TAKT_RUN" != 1' } }`
  const { sha } = await it.push({ '.takt.yml': file })
  await using _runner = await it.run()
  await shows(forge, sha, { [LINE]: 'failure', [`${LINE}/test`]: 'failure' })
  expect((await it.house.ask('POST /api/v1/runs/1/retry')).status).toBe(201)
  await shows(forge, sha, { [LINE]: 'success', [`${LINE}/test`]: 'success' })
  expect(forge.heard.filter(({ path }) => path.includes('check-runs')).length).toBe(1)
})

test('what a forge misses while it is away it is told afterwards, also by another server', async () => {
  await using forge = await fakeGithub()
  await using it = await onForge(forge)
  let isAway = true
  forge.answer(() => (isAway ? Response.json({ message: 'Unicorn!' }, { status: 502 }) : undefined))
  const first = await it.push({ '.takt.yml': 'jobs: { test: { run: echo } }' })
  const second = await it.push({ a: '1' })
  await using _runner = await it.run()
  await until(async () => {
    const { items } = (await it.house.ask('GET /api/v1/runs?state=succeeded')).body
    return items.length === 2
  })
  const { items, forges } = await until(async () => {
    const list = await listed(it.house)
    return list.forges[0]?.reason && list.items.length === 2 && list
  })
  expect(forges).toMatchObject([
    { name: 'github', reason: 'GitHub answered 502: Unicorn!', opens_at: expect.any(String) },
  ])
  expect(items).toMatchObject([{ state: 'waiting' }, { state: 'waiting' }])
  await it.house.restart()
  isAway = false
  // An hour has passed.
  await it.house.db
    .updateTable('forge_doors')
    .set({ opens_at: new Date(0) })
    .execute()
  await shows(forge, first.sha, { [LINE]: 'success' })
  await shows(forge, second.sha, { [LINE]: 'success' })
  expect((await listed(it.house)).forges).toMatchObject([{ reason: null, opens_at: null }])
})

test('a line that a file breaks is told as red at the commit that breaks it', async () => {
  await using forge = await fakeGithub()
  await using it = await onForge(forge)
  const { sha } = await it.push({ '.takt.yml': 'jobs: { test: { rum: echo } }' })
  await shows(forge, sha, { [LINE]: 'failure' })
  expect(forge.heard.at(-1)!.body.output.title).toContain('.takt.yml:1:17: unknown key `rum`')
})
