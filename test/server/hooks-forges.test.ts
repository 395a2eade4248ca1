import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { deliveries, settled } from '../support/github.ts'
import { publicGit } from '../support/public-git.ts'
import {
  giteaHeaders,
  giteaPull,
  giteaPush,
  gitlabHeaders,
  gitlabPush,
  gitlabRequest,
  hookOf,
  post,
  standardHeaders,
} from '../support/senders.ts'
import { startHouse } from '../support/server.ts'

const FILE = {
  '.takt.yml': 'triggers: { push: [main], tag: v*, pull_request: main }\njobs: { test: { run: say x } }',
}
const ELSEWHERE = 'https://git.acme.example/acme/other.git'

async function shop(env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse(env))
  const git = stack.use(await publicGit())
  await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
  return { house, git, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('GitLab’s pushes, tags and merge requests become versions on their lanes, and a merged request ends its lane', async () => {
  await using it = await shop()
  const { house, git } = it
  const { url, secret } = await hookOf(house, 'gitlab')
  const tell = (payload: { object_kind: string }, event: string) =>
    post(house, url, JSON.stringify(payload), gitlabHeaders(secret, event))
  const main = await git.clone.push(FILE)
  await tell(gitlabPush(git.url, { after: main }), 'Push Hook')
  await git.clone.git('push', '-q', 'origin', 'HEAD:refs/tags/v1')
  await tell(gitlabPush(git.url, { after: main, ref: 'refs/tags/v1' }), 'Tag Push Hook')
  const head = await git.clone.push({ a: '1' }, { branch: 'pay' })
  await tell(gitlabRequest(git.url, head), 'Merge Request Hook')
  await tell(gitlabRequest(git.url, head, { action: 'approved' }), 'Merge Request Hook')
  await tell(gitlabRequest(git.url, head, { action: 'merge', state: 'merged' }), 'Merge Request Hook')
  await tell({ object_kind: 'issue' }, 'Issue Hook')
  const all = (await settled(house, 6)).map(({ state, reason }) => `${state}: ${reason}`).toReversed()
  expect(all).toEqual([
    `processed: shop/main: src ${main.slice(0, 7)} on main`,
    `processed: shop/main: src ${main.slice(0, 7)} on tag/v1`,
    `processed: shop/main: src ${head.slice(0, 7)} on pr/7`,
    'ignored: the action `approved` of a merge request starts nothing',
    'processed: pr/7 is merged; shop/main closed',
    'ignored: the event `issue` starts nothing',
  ])
})

test('Gitea’s and Forgejo’s pushes, new refs and pull requests become versions on their lanes', async () => {
  await using it = await shop()
  const { house, git } = it
  const { url, secret } = await hookOf(house, 'gitea')
  const tell = (payload: object, event: string) => {
    const body = JSON.stringify(payload)
    return post(house, url, body, giteaHeaders(secret, body, event))
  }
  const main = await git.clone.push(FILE)
  await tell(giteaPush(git.url, { after: main }), 'push')
  await git.clone.git('push', '-q', 'origin', 'HEAD:refs/tags/v1')
  const made = {
    sha: main,
    ref: 'v1',
    ref_type: 'tag',
    repository: giteaPush(git.url, { after: main }).repository,
  }
  await tell(made, 'create')
  const head = await git.clone.push({ a: '1' }, { branch: 'pay' })
  await tell(giteaPull(git.url, { head, base: main }), 'pull_request')
  const next = await git.clone.push({ a: '2' }, { branch: 'pay' })
  const forgejo = JSON.stringify(giteaPull(git.url, { head: next, base: main }, { action: 'synchronized' }))
  await post(house, url, forgejo, {
    ...{ 'x-forgejo-event': 'pull_request', 'x-forgejo-delivery': 'd9', 'x-gitea-event': 'pull_request' },
    'x-forgejo-signature': createHmac('sha256', secret).update(forgejo).digest('hex'),
  })
  const all = (await settled(house, 4)).map(({ state, reason }) => `${state}: ${reason}`).toReversed()
  expect(all).toEqual([
    `processed: shop/main: src ${main.slice(0, 7)} on main`,
    `processed: shop/main: src ${main.slice(0, 7)} on tag/v1`,
    `processed: shop/main: src ${head.slice(0, 7)} on pr/2`,
    `processed: shop/main: src ${next.slice(0, 7)} on pr/2`,
  ])
})

test.each(['gitlab', 'gitea', 'github'] as const)(
  'what is signed with a project’s secret by %s and speaks of another repository is refused, kept, and on record',
  async (sender) => {
    await using it = await shop()
    const { house } = it
    const { url, secret } = await hookOf(house, sender)
    const after = 'a'.repeat(40)
    const payload = sender === 'gitlab' ? gitlabPush(ELSEWHERE, { after }) : giteaPush(ELSEWHERE, { after })
    const body = JSON.stringify(payload)
    const hex = createHmac('sha256', secret).update(body).digest('hex')
    const headers = {
      gitlab: gitlabHeaders(secret, 'Push Hook'),
      gitea: giteaHeaders(secret, body, 'push'),
      github: { 'x-github-event': 'push', 'x-github-delivery': 'd', 'x-hub-signature-256': `sha256=${hex}` },
    }[sender]
    expect((await post(house, url, body, headers)).status).toBe(202)
    expect((await settled(house, 1))[0]).toMatchObject({
      ...{ state: 'refused', project: 'shop' },
      reason: expect.stringContaining(
        `it speaks of the repository ${ELSEWHERE}, and the secret is that of \`shop\``,
      ),
    })
    const { items } = (await house.ask('GET /api/v1/audit?action=hook.deliver')).body
    expect(items).toMatchObject([
      { actor: `${sender} hook`, outcome: 'denied', project: 'shop', target: 'delivery 1' },
    ])
    const { forge_id } = await house.db
      .selectFrom('repositories')
      .select('forge_id')
      .executeTakeFirstOrThrow()
    expect(forge_id).toBe(null)
  },
)

test('a forge without the right token or signature is refused with 401, and nothing is stored', async () => {
  await using it = await shop()
  const { house, git } = it
  const gitlab = await hookOf(house, 'gitlab')
  const gitea = await hookOf(house, 'gitea')
  const body = JSON.stringify(gitlabPush(git.url, { after: 'a'.repeat(40) }))
  const standard = standardHeaders(gitlab.secret, body)
  const bad: [string, Record<string, string>][] = [
    [gitlab.url, gitlabHeaders('', 'Push Hook')],
    [gitlab.url, gitlabHeaders(gitea.secret, 'Push Hook')],
    [gitlab.url, { 'x-gitlab-event': 'Push Hook' }],
    [
      gitlab.url,
      { ...gitlabHeaders(gitlab.secret, 'Push Hook'), ...standard, 'webhook-signature': 'v1,AAAA' },
    ],
    [gitlab.url.replace('shop', 'another'), gitlabHeaders(gitlab.secret, 'Push Hook')],
    [gitea.url, giteaHeaders(gitlab.secret, body, 'push')],
    [gitea.url, { 'x-gitea-event': 'push' }],
  ]
  for (const [url, headers] of bad)
    expect(await post(house, url, body, headers)).toMatchObject({
      status: 401,
      body: { code: 'bad-signature' },
    })
  expect(await deliveries(house)).toEqual([])
  const signed = { 'x-gitlab-event': 'Push Hook', ...standard }
  expect((await post(house, gitlab.url, body, signed)).status).toBe(202)
  expect((await post(house, gitlab.url, body, signed)).body.duplicate).toBe(true)
})

test('the server’s own secret speaks for every repository, and without one the hook says what to set', async () => {
  const TOKEN = 'a token of the whole GitLab'
  await using it = await shop({ GITLAB_WEBHOOK_SECRET: TOKEN })
  const { house, git } = it
  const sha = await git.clone.push(FILE)
  const body = JSON.stringify(gitlabPush(git.url, { after: sha }))
  expect((await post(house, '/hooks/gitlab', body, gitlabHeaders(TOKEN, 'System Hook'))).status).toBe(202)
  expect((await settled(house, 1))[0]).toMatchObject({ state: 'processed', project: 'shop' })
  expect(await post(house, '/hooks/gitea', body, giteaHeaders(TOKEN, body, 'push'))).toMatchObject({
    body: { code: 'hook-not-configured', detail: expect.stringContaining('GITEA_WEBHOOK_SECRET') },
  })
})
