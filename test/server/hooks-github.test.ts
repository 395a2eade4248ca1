import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { signed } from '../support/github.ts'
import { publicGit } from '../support/public-git.ts'
import { startHouse } from '../support/server.ts'
import { steer } from '../support/steer.ts'
import { settled, told, ZERO } from '../support/told.ts'
import { until } from '../support/until.ts'

type Example = Record<string, object> & { readonly action?: string }
const examples: { name: string; examples: Example[] }[] = JSON.parse(
  readFileSync(fileURLToPath(import.meta.resolve('@octokit/webhooks-examples')), 'utf8'),
)
/** A payload that GitHub publishes, of a repository of ours. */
const published = (event: string, action: string) =>
  examples.find(({ name }) => name === event)!.examples.find((each) => each.action === action)!

const FILE = `resources:
  src: { git: . }
  release: { event: { source: github, if: { event: release, action: published } } }
jobs:
  test: { get: src, run: say x }
  announce: { get: release, run: say x }
`

async function shop() {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse())
  const git = stack.use(await publicGit())
  const push = await told(house, git)
  const sha = await git.clone.push({ '.takt.yml': FILE })
  await push(ZERO, sha)
  const repository = { id: 42, clone_url: git.url, default_branch: 'main' }
  const tell = async (event: string, payload: object, headers: Record<string, string> = {}) => {
    const body = JSON.stringify({ repository, ...payload, sent: randomUUID() })
    const id = randomUUID()
    const own = { 'x-github-event': event, 'x-github-delivery': id, 'x-hub-signature-256': signed(body) }
    const { delivery } = (
      await house.ask('POST /hooks/github', body, { as: null, headers: { ...own, ...headers } })
    ).body
    return (await settled(house)).find((each) => each.id === delivery)!
  }
  return {
    house,
    git,
    sha,
    tell,
    repository,
    ...steer(house.db),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('a release is a version of the resource that asks for it, as every event of GitHub is, once', async () => {
  await using it = await shop()
  const { repository: _, ...release } = published('release', 'published')
  expect(await it.tell('release', release)).toMatchObject({
    state: 'processed',
    reason: 'shop/main: release',
  })
  const { repository: __, ...deleted } = published('release', 'deleted')
  expect((await it.tell('release', deleted)).reason).toBe(
    'shop/main: `release` asks for `action`: `published`, and there stands `deleted`',
  )
  expect(await it.runs('announce')).toHaveLength(1)
})

test('a check of ours that is to run again has what stopped the commit run again; others’ checks are none of our business', async () => {
  await using it = await shop()
  await it.end('test', 'fail')
  const { check_run, action } = published('check_run', 'rerequested')
  const asked = (details_url: string) => ({
    ...{ action, sender: { login: 'ann' } },
    check_run: { ...check_run, head_sha: it.sha, details_url },
  })
  expect((await it.tell('check_run', asked('https://ci.example/p/shop/main'))).reason).toContain(
    'somebody else',
  )
  expect(await it.tell('check_run', asked(`${it.house.url}/p/shop/main?lane=main`))).toMatchObject({
    state: 'processed',
    reason: expect.stringContaining(`ann asks for ${it.sha.slice(0, 7)} once more: run again as`),
  })
  const again = await it.runs('test')
  expect(again).toMatchObject([
    { state: 'failed' },
    { state: 'queued', reason: 'retry of #1 by ann at GitHub' },
  ])
  expect((await it.tell('check_run', asked(`${it.house.url}/p/shop/main`))).reason).toContain(
    'nothing of that commit has failed',
  )
})

test('a suite of checks that is to run again is ours when GitHub tells the app that made it', async () => {
  await using it = await shop()
  await it.end('test', 'fail')
  const { check_suite, action } = published('check_suite', 'rerequested')
  const payload = {
    action,
    sender: { login: 'ann' },
    check_suite: { ...check_suite, head_sha: it.sha, app: { id: 7 } },
  }
  const to = (app: string) => ({
    'x-github-hook-installation-target-type': 'integration',
    'x-github-hook-installation-target-id': app,
  })
  expect((await it.tell('check_suite', payload)).reason).toContain('another app’s')
  expect((await it.tell('check_suite', payload, to('8'))).reason).toContain('another app’s')
  expect((await it.tell('check_suite', payload, to('7'))).state).toBe('processed')
  expect(await it.runs('test')).toHaveLength(2)
})

test('a repository that an app was given is compared at once, so that what came before is not missed', async () => {
  await using it = await shop()
  const next = await it.git.clone.push({ n: '2' })
  const added = { ...published('installation_repositories', 'added'), repository: undefined }
  const ours = [{ id: 42, full_name: 'acme/shop' }]
  expect((await it.tell('installation_repositories', added)).state).toBe('ignored')
  expect(
    (await it.tell('installation_repositories', { ...added, repositories_added: ours })).reason,
  ).toContain(`the refs of ${it.git.url} are compared`)
  await until(async () => (await settled(it.house)).some(({ reason }) => reason.includes(next.slice(0, 7))))
  const gone = { ...published('installation', 'deleted'), repository: undefined, repositories: ours }
  expect((await it.tell('installation', gone)).reason).toContain('is told nothing of')
})

test('a repository that is renamed is known by its new address at once', async () => {
  await using it = await shop()
  const renamed = it.git.url.replace('shop.git', 'store.git')
  const { action } = published('repository', 'renamed')
  await it.tell('repository', { action, repository: { ...it.repository, clone_url: renamed } })
  expect((await it.house.ask('GET /api/v1/projects/shop')).body.repository.url).toBe(renamed)
})
