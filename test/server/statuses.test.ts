import { expect, test } from 'vitest'
import { readConfig } from '../../server/config.ts'
import { forgeFor, forgesOf } from '../../server/statuses/forges.ts'
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
async function onForge(forge: FakeForge, settings: Record<string, string> = {}, name = 'shop') {
  const stack = new AsyncDisposableStack()
  const house = stack.use(
    await startHouse({ GITHUB_API_URL: forge.url, GITHUB_TOKEN: 'gh-token', ...settings }),
  )
  const git = stack.use(await publicGit(name))
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
  until(() => {
    const shown = forge.shown(sha)
    return JSON.stringify(shown, Object.keys(shown).toSorted()) ===
      JSON.stringify(wanted, Object.keys(wanted).toSorted())
      ? shown
      : Promise.reject(new Error(JSON.stringify(shown)))
  })
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
  // The forge has heard it before it is noted that it has.
  const items = await until(async () => {
    const list = (await listed(it.house)).items as { state: string }[]
    return list.every(({ state }) => state === 'sent') && list
  })
  expect(items).toMatchObject([
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
  await until(async () => {
    const [door] = (await listed(it.house)).forges
    return door.reason === null && door.opens_at === null
  })
})

test('a line that a file breaks is told as red at the commit that breaks it', async () => {
  await using forge = await fakeGithub()
  await using it = await onForge(forge)
  const { sha } = await it.push({ '.takt.yml': 'jobs: { test: { rum: echo } }' })
  await shows(forge, sha, { [LINE]: 'failure' })
  expect(forge.heard.at(-1)!.body.output.title).toContain('.takt.yml:1:17: unknown key `rum`')
})

test('a check is made once, also where its forge’s answer is lost, or the server is gone before it notes it', async () => {
  await using forge = await fakeGithub()
  await using it = await onForge(forge)
  const opened = async () =>
    void (await it.house.db.updateTable('forge_doors').set({ opens_at: null }).execute())
  forge.cutNext()
  const { sha } = await it.push({ '.takt.yml': 'jobs: { test: { run: echo } }' })
  await until(async () => (await listed(it.house)).forges[0]?.reason?.includes('does not answer'))
  await opened()
  await it.house.restart()
  await until(async () => (await listed(it.house)).items[0]?.state === 'sent')
  await shows(forge, sha, { [LINE]: 'queued' })
  // By method and state, so that a failure tells what was asked.
  const asked = forge.heard.filter(({ path }) => path.includes('check-runs'))
  const told = asked.map(({ method, body }) => `${method} ${body.status ?? ''}`.trim())
  expect(
    told.filter((words) => words.startsWith('POST')),
    told.join(', '),
  ).toEqual(['POST queued'])
})

test('a project’s own token is shown to the host of its repository, and one that is wrong shuts out nobody else', async () => {
  await using forge = await fakeGithub({ token: 'token of-shop' })
  await using it = await onForge(forge, { GITHUB_TOKEN: '' }, 'acme/shop')
  const keep = (value: string) => it.house.ask('PUT /api/v1/projects/shop/secrets/FORGE_TOKEN', { value })
  await keep('ours-is-wrong')
  const { sha } = await it.push({ '.takt.yml': 'jobs: { test: { run: echo } }' })
  const shut = await until(async () => {
    const [door] = (await listed(it.house)).forges
    return door?.reason && door
  })
  expect(shut).toMatchObject({ name: 'github', project: 'shop' })
  expect(shut.reason).toContain('its token is not accepted')
  await keep('of-shop')
  const [status] = (await listed(it.house)).items
  expect((await it.house.ask(`POST /api/v1/statuses/${status.id}/retry`)).status).toBe(202)
  await shows(forge, sha, { [LINE]: 'queued' })
  const open = async () => (await listed(it.house)).forges[0]
  await until(async () => (await open()).reason === null)
  expect(await open()).toMatchObject({ project: 'shop' })

  // Without a token nobody is told; and never by a project's at another host than its repository's.
  const { items } = await listed(it.house)
  expect(items).toHaveLength(1)
  await it.house.db
    .updateTable('repositories')
    .set({ url: 'https://git.elsewhere.io/acme/shop.git' })
    .execute()
  const place = await it.house.db.selectFrom('projects').selectAll().executeTakeFirstOrThrow()
  const repository = await it.house.db.selectFrom('repositories').selectAll().executeTakeFirstOrThrow()
  const known = forgesOf(readConfig({ GITHUB_API_URL: forge.url }))
  expect(await forgeFor(it.house.db, known, { project: place.id, repository })).toBeNull()
})
