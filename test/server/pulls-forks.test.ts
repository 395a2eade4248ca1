import { expect, test } from 'vitest'
import { readDelivery } from '../../server/webhooks/read-delivery.ts'
import { person } from '../support/people.ts'
import { forked } from '../support/forked.ts'
import { published } from '../support/pull.ts'
import { line, orderOf, settled } from '../support/told.ts'
import { until } from '../support/until.ts'

const short = (sha: string) => sha.slice(0, 7)

test('the head of a fork runs when somebody approved it, and only that commit', async () => {
  await using it = await forked()
  const first = await it.pull.commit({ a: '1' })
  await it.say('opened', first)
  expect(await it.heads()).toMatchObject([
    {
      project: 'shop',
      number: 2,
      lane: 'pr/2',
      author: 'Codertocat',
      base: 'main',
      head: first,
      refusal: null,
    },
  ])
  expect(await it.runs()).toEqual([])

  const seen = it.git.fetches()
  const second = await it.pull.commit({ a: '2' })
  await it.say('synchronize', second)
  expect(await it.heads()).toMatchObject([{ head: second }])
  expect(await it.heads('?state=replaced')).toMatchObject([{ head: first }])
  expect(await it.decide('approve', first)).toMatchObject({
    status: 409,
    body: { code: 'head-moved', head: second },
  })
  expect(it.git.fetches()).toBe(seen)

  expect(await it.decide('approve', short(second), { comment: 'read it' })).toMatchObject({
    status: 200,
    body: { state: 'approved', decided_by: 'admin', comment: 'read it', head: second },
  })
  expect((await settled(it.house)).at(0)).toMatchObject({
    state: 'processed',
    reason: `shop/main: src ${short(second)} on pr/2`,
  })
  const [run] = await until(async () => (await it.runs()).length === 1 && it.runs())
  expect(run).toMatchObject({ lane: 'pr/2', inputs: [{ version: second }] })
  expect(await it.decide('approve', second)).toMatchObject({ status: 409, body: { code: 'pull-decided' } })
  expect((await it.house.ask('GET /api/v1/audit?action=pull.approve')).body.items).toMatchObject([
    { outcome: 'refused' },
    { actor: 'admin', project: 'shop', target: `pulls/2 (${second})`, outcome: 'done', reason: 'read it' },
    { outcome: 'refused' },
  ])
})

test('a new head of an approved fork is asked about anew, and ends what the old one has under way', async () => {
  await using it = await forked()
  const first = await it.pull.commit({ a: '1' })
  await it.say('opened', first)
  await it.decide('approve', first)
  await until(async () => (await it.runs()).length === 1)
  const second = await it.pull.commit({ a: '2' })
  expect((await it.say('synchronize', second)).reason).toBe(
    `shop/main: pr/2 comes from a fork: ${short(second)} waits for an approval`,
  )
  const reason = `superseded: ${short(second)} is the head now, and waits for an approval`
  expect(await it.runs()).toMatchObject([{ state: 'cancelled', error: { message: reason } }])
  expect(await orderOf(it.house, {}, 'pr/2')).toEqual([first])
})

test('a head that was rejected never runs, however often it is told of', async () => {
  await using it = await forked()
  const sha = await it.pull.commit({ a: '1' })
  await it.say('opened', sha)
  expect(await it.decide('reject', sha)).toMatchObject({ status: 200, body: { state: 'rejected' } })
  for (const action of ['closed', 'reopened']) await it.say(action, sha)
  expect((await settled(it.house))[0]).toMatchObject({
    reason: `shop/main: pr/2 comes from a fork: ${short(sha)} was rejected`,
  })
  expect(await it.runs()).toEqual([])
})

test('a pull request that is closed waits for nobody, and is asked about again when it is reopened', async () => {
  await using it = await forked()
  const sha = await it.pull.commit({ a: '1' })
  await it.say('opened', sha)
  await it.say('closed', sha)
  expect(await it.heads('')).toMatchObject([{ state: 'closed' }])
  expect(await it.decide('approve', sha)).toMatchObject({ status: 409, body: { code: 'pull-decided' } })
  await it.say('reopened', sha)
  expect(await it.heads('')).toMatchObject([{ state: 'waiting', head: sha }])
})

test('only approvers of the project decide, and who does not see it hears of nothing', async () => {
  await using it = await forked()
  const sha = await it.pull.commit({ a: '1' })
  await it.say('opened', sha)
  const [operator, stranger] = [
    await person(it.house, 'op', { role: 'operator' }),
    await person(it.house, 'eve'),
  ]
  const approver = await person(it.house, 'app', { role: 'approver' })
  expect(await it.heads('', operator.token)).toMatchObject([
    { refusal: 'deciding needs the role approver in the project' },
  ])
  expect(await it.heads('', stranger.token)).toEqual([])
  expect((await it.decide('approve', sha, { as: operator.token })).status).toBe(403)
  expect((await it.decide('approve', sha, { as: stranger.token })).status).toBe(404)
  expect((await it.decide('approve', sha, { as: approver.token })).status).toBe(200)
})

const first = (forks: string) => `{ push: main, pull_request: { branches: main, forks: ${forks} } }`

test('a fork has no say in jobs with secrets, nor in what is listened to', async () => {
  const jobs =
    'test: { run: make test }\n  deploy: { needs: test, when: push, secrets: [KEY], run: make deploy }'
  await using it = await forked(first('allow'), jobs)
  const file = `triggers: { push: main, pull_request: { branches: main, labels: never } }
jobs:
  test: { run: make test-other }
  deploy: { needs: test, run: steal }
  more: { needs: test, when: push, secrets: [KEY], run: steal }
  after: { needs: more, run: echo }
`
  const sha = await it.pull.commit({ '.takt.yml': file })
  expect((await it.say('opened', sha)).reason).toBe(`shop/main: src ${short(sha)} on pr/2`)
  const { jobs: own } = await line(it.house, 'pr/2')
  expect(own.map((job: { name: string }) => job.name)).toEqual(['test', 'deploy'])
  const runs = await until(async () => (await it.runs()).length > 0 && it.runs())
  expect(runs).toMatchObject([{ job: 'test' }])
  // Merged as it is, the same commit has its own file on the branch.
  await it.git.clone.git('push', '-q', 'origin', 'HEAD:refs/heads/main')
  await it.pull.push(it.pull.main, sha)
  const { jobs: merged } = await line(it.house)
  expect(merged.map((job: { name: string }) => job.name)).toEqual(['test', 'deploy', 'more', 'after'])
})

test('what a closing ended begins again when the pull request is opened at the same commit', async () => {
  await using it = await forked(first('allow'))
  const sha = await it.pull.commit({ a: '1' })
  await it.say('opened', sha)
  const [{ id }] = await until(async () => (await it.runs()).length === 1 && it.runs())
  await it.say('closed', sha)
  expect(await it.runs()).toMatchObject([
    { id, state: 'cancelled', error: { message: 'the pull request was closed' } },
  ])
  expect((await it.say('reopened', sha)).reason).toBe(
    `shop/main: ${short(sha)} was known on pr/2; what its closing had ended begins again as ${id + 1}`,
  )
  expect(await it.runs()).toMatchObject([{ id: id + 1, state: 'queued', retry_of: id }, { id }])
})

test.each([
  ['who could push himself, and comes from his own fork', 'MEMBER', 'ann', 'writer'],
  ['nobody who brings somebody else’s fork', 'OWNER', 'mallory', undefined],
  ['who had something merged before', 'CONTRIBUTOR', 'ann', 'contributor'],
  ['no first-timer', 'FIRST_TIME_CONTRIBUTOR', 'ann', undefined],
  ['nobody in particular', 'NONE', 'ann', undefined],
])('the author of a pull request is known: %s', (_, association, owner, known) => {
  const payload = published('opened')
  const repo = { id: 7, owner: { login: owner } }
  const pull_request = {
    ...payload.pull_request,
    ...{ author_association: association, user: { login: 'ann' } },
    head: { ...payload.pull_request.head, repo },
  }
  const body = Buffer.from(JSON.stringify({ ...payload, pull_request }))
  const meaning = readDelivery({ source: 'github', delivery_id: 'd', event: 'pull_request', body })
  expect('push' in meaning && meaning.push.pull?.known).toBe(known)
})
