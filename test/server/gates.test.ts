import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { OrganizationId } from '#pipelines/ids.ts'
import { HELLO, hand, work } from '../support/hand.ts'
import { person } from '../support/people.ts'
import { hostedProject } from '../support/repository.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

/** A project whose jobs these are, pushed once. */
async function line(jobs: string) {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse())
  const clone = stack.use(await hostedProject(house, 'shop'))
  const sha = await clone.push({ '.takt.yml': `jobs:\n${jobs}` })
  const run = async (id = 1) => (await house.ask(`GET /api/v1/runs/${id}`)).body
  const gates = async (query = '?state=waiting', as = house.token) =>
    (await house.ask(`GET /api/v1/gates${query}`, undefined, { as })).body.items
  const waiting = (count = 1) =>
    until(async () => {
      const items = await gates()
      return items.length === count && items
    })
  return { house, clone, sha, run, gates, waiting, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const say = (house: House, verdict: string, { id = 1, as = house.token, body = {} as object } = {}) =>
  house.ask(`POST /api/v1/gates/${id}/${verdict}`, body, { as })

async function team(house: House, name: string, ...users: number[]) {
  const organization_id = 1 as OrganizationId
  const { id } = await house.db
    .insertInto('teams')
    .values({ organization_id, name })
    .returning('id')
    .executeTakeFirstOrThrow()
  for (const user_id of users)
    await house.db
      .insertInto('team_members')
      .values({ team_id: id, user_id: user_id as never })
      .execute()
}

const FORM = 'form: { rollout: { choice: ["5", "25"] }, hosts: { number: { min: 1, max: 9 }, default: 2 } }'

test('a run waits at its gate without a runner, and goes on with what was filled in', async () => {
  await using it = await line(`  ship: { approve: { message: "ship $(src.short_sha)?", ${FORM} }, run: x }\n`)
  const [gate] = await it.waiting()
  expect(gate).toMatchObject({
    ...{ id: 1, run: 1, job: 'ship', state: 'waiting', words: 'waits for an approval', decisions: [] },
    ...{ message: `ship ${it.sha.slice(0, 7)}?`, refusal: null, passed_before: null },
    inputs: [{ resource: 'src', version: it.sha, title: 'Change something' }],
  })
  expect(await it.run()).toMatchObject({ state: 'waiting', runner: null, held: 'waits for an approval' })

  await using runner = await hand(it.house)
  runner.say({ say: 'ready', slots: 1 })
  const body = { values: { rollout: '25' }, comment: 'go' }
  expect(await say(it.house, 'approve', { body })).toMatchObject({
    status: 200,
    body: {
      state: 'approved',
      values: { rollout: '25', hosts: '2' },
      decisions: [{ by: 'admin', verdict: 'approve', comment: 'go' }],
    },
  })
  const { plan } = await until(() => work(runner.heard))
  expect(plan.env).toMatchObject({ INPUT_ROLLOUT: '25', INPUT_HOSTS: '2' })
  expect(plan.steps).toMatchObject([{ step: 1, kind: 'run' }])
  expect((await it.run()).state).toBe('running')
})

test('a value that the form does not take is refused with its field, and nothing is decided', async () => {
  await using it = await line(`  ship: { approve: { ${FORM} }, run: x }\n`)
  await it.waiting()
  const refused = await say(it.house, 'approve', { body: { values: { rollout: '26', hosts: 10 } } })
  expect(refused).toMatchObject({ status: 422, body: { code: 'bad-input' } })
  expect(refused.body.problems).toMatchObject([
    { field: 'rollout', message: expect.stringContaining('none of 5, 25') },
    { field: 'hosts', message: '10 is above 9' },
  ])
  expect(await it.waiting()).toMatchObject([{ decisions: [] }])
})

test('who says no ends the run, with his words as its reason', async () => {
  await using it = await line(
    '  ship: { approve: true, run: x, retry: 2 }\n  after: { needs: ship, run: x }\n',
  )
  await it.waiting()
  expect((await say(it.house, 'reject', { body: { comment: 'not on a Friday' } })).body.state).toBe(
    'rejected',
  )
  expect(await it.run()).toMatchObject({
    ...{ state: 'failed', attempt: 1 },
    error: { code: 'rejected', message: 'rejected by admin: not on a Friday' },
  })
  expect(await say(it.house, 'approve')).toMatchObject({ status: 409, body: { code: 'gate-closed' } })
  const { body } = await it.house.ask('GET /api/v1/audit?action=gate.reject')
  expect(body.items).toMatchObject([{ actor: 'admin', project: 'shop', outcome: 'done' }])
})

test('a gate is for those it names, and for nobody who only bears a team’s name', async () => {
  await using it = await line('  ship: { approve: { by: [release, bo], count: 2 }, run: x }\n')
  const { house } = it
  const [ann, bo, release] = [
    await person(house, 'ann', { role: 'approver' }),
    await person(house, 'bo', { role: 'approver' }),
    await person(house, 'release', { role: 'maintainer' }),
  ]
  const [operator, stranger] = [await person(house, 'op', { role: 'operator' }), await person(house, 'eve')]
  await team(house, 'release', ann.id, operator.id)
  await it.waiting()
  const answer = async (as: string) => {
    const { status, body } = await say(house, 'approve', { as })
    return [status, body.code ?? body.state]
  }
  expect(await answer(stranger.token)).toEqual([404, 'gate-not-found'])
  expect(await answer(operator.token)).toEqual([403, 'not-allowed'])
  expect(await answer(release.token)).toEqual([403, 'not-allowed'])
  expect(await answer(house.token)).toEqual([403, 'not-allowed']) // an admin is not of the team
  expect(await it.gates('', stranger.token)).toEqual([])
  expect(await it.gates('', release.token)).toMatchObject([{ refusal: 'this gate is for release, bo' }])
  expect(await answer(ann.token)).toEqual([200, 'waiting'])
  expect(await answer(ann.token)).toEqual([409, 'already-decided'])
  expect(await answer(bo.token)).toEqual([200, 'approved'])
  const denied = await house.ask('GET /api/v1/audit?action=gate.approve&outcome=denied')
  for (const actor of ['op', 'release']) expect(denied.text).toContain(`"actor":"${actor}"`)
})

test('who approves second agrees to what the first filled in, and to nothing else', async () => {
  await using it = await line(`  ship: { approve: { count: 2, ${FORM} }, run: x }\n`)
  const { token: as } = await person(it.house, 'ann', { role: 'approver' })
  await it.waiting()
  await say(it.house, 'approve', { body: { values: { rollout: '5' } } })
  const other = await say(it.house, 'approve', { as, body: { values: { rollout: '25' } } })
  expect(other).toMatchObject({ status: 409, body: { code: 'other-answers' } })
  expect((await say(it.house, 'approve', { as })).body).toMatchObject({
    state: 'approved',
    values: { rollout: '5', hosts: '2' },
  })
})

test('who started a run, or wrote its commit, does not decide where that is not wanted', async () => {
  await using it = await line('  ship: { approve: { author: false }, run: x }\n')
  const { token: as } = await person(it.house, 'ann', { role: 'approver' }) // as git says of the commit
  await it.waiting()
  expect(await say(it.house, 'approve', { as })).toMatchObject({ status: 403, body: { code: 'not-allowed' } })
  await it.house.ask('POST /api/v1/projects/shop/pipelines/main/jobs/ship/runs', {})
  await it.waiting(2)
  expect(await say(it.house, 'approve', { id: 2 })).toMatchObject({ status: 403 })
  expect((await say(it.house, 'approve')).body.state).toBe('approved')
})

test('a right that was taken away is gone at the next click', async () => {
  await using it = await line('  ship: { approve: { by: [ann] }, run: x }\n')
  const { token: as } = await person(it.house, 'ann', { role: 'approver' })
  await it.waiting()
  await it.house.db.deleteFrom('grants').execute()
  expect((await say(it.house, 'approve', { as })).status).toBe(404)
})

test('of many who decide at once one is heard, and the run goes one way', async () => {
  await using it = await line('  ship: { approve: true, run: x }\n')
  const people = await Promise.all(
    ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => person(it.house, `p-${name}`, { role: 'approver' })),
  )
  await it.waiting()
  const answers = await Promise.all(
    people.map(({ token: as }, index) => say(it.house, index % 2 ? 'approve' : 'reject', { as })),
  )
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409, 409, 409])
  const { state } = answers.find(({ status }) => status === 200)!.body
  expect((await it.run()).state).toBe(state === 'approved' ? 'queued' : 'failed')
  expect(await it.house.db.selectFrom('gate_decisions').select('user_id').execute()).toHaveLength(1)
  await expect(sql`update gate_decisions set verdict = 'reject'`.execute(it.house.db)).rejects.toThrow(
    'never changed',
  )
})

test('a pool of one slot runs other work while a run waits', async () => {
  await using it = await line('  ship: { approve: true, run: x }\n  test: { run: y }\n')
  await it.waiting()
  await using runner = await hand(it.house)
  runner.say({ say: 'ready', slots: 1 })
  const { plan } = await until(() => work(runner.heard))
  expect(plan.job).toBe('test')
})

test('a gate stays open over a restart, and a runner that is lost behind it does not open it again', async () => {
  await using it = await line('  ship: { approve: { form: { to: text } }, run: x }\n')
  await it.waiting()
  await it.house.restart()
  expect(await it.gates()).toHaveLength(1)
  {
    await using lost = await hand(it.house)
    lost.say({ say: 'ready', slots: 1 })
    await say(it.house, 'approve', { body: { values: { to: 'eu' } } })
    await until(() => work(lost.heard))
  }
  await using other = await hand(it.house, HELLO) // the same one comes back and carries nothing
  await sql`update runs set not_before = now() where not_before is not null`.execute(it.house.db)
  other.say({ say: 'ready', slots: 1 })
  const { plan } = await until(async () => {
    await sql`update runs set not_before = now() where not_before is not null`.execute(it.house.db)
    return work(other.heard)
  })
  expect(plan).toMatchObject({ attempt: 2, env: { INPUT_TO: 'eu' } })
  expect(await it.gates('')).toHaveLength(1)
})

test('a new push and a retry ask again', async () => {
  await using it = await line('  ship: { approve: true, run: x }\n')
  await it.waiting()
  await say(it.house, 'approve')
  const newer = await it.clone.push({ 'a.txt': 'a' })
  const [gate] = await it.waiting()
  expect(gate).toMatchObject({
    ...{ run: 2, inputs: [{ version: newer }] },
    passed_before: { run: 1, inputs: [{ version: it.sha }] },
  })
  await say(it.house, 'reject', { id: gate.id })
  await it.house.ask('POST /api/v1/runs/2/retry', {})
  expect(await it.waiting()).toMatchObject([{ run: 3, inputs: [{ version: newer }] }])
})

test.each([
  ['reject', '', { state: 'failed', error: { code: 'rejected' } }],
  ['fail', '', { state: 'failed', error: { code: 'gate_expired' } }],
  ['approve', 'form: { to: { text: {}, default: eu } }', { state: 'queued' }],
  ['approve', 'form: { to: text }', { state: 'failed', error: { code: 'gate_expired' } }],
])('nobody decides in time: %s (%s)', async (how, form, wanted) => {
  await using it = await line(
    `  ship: { approve: { within: 1h, on_expire: ${how}${form && ', '}${form} }, run: x }\n`,
  )
  await it.waiting()
  await sql`update gates set expires_at = now()`.execute(it.house.db)
  const late = await say(it.house, 'approve', { body: { values: { to: 'x' } } })
  expect(late).toMatchObject({ status: 409, body: { code: 'gate-closed' } })
  await it.house.ask('POST /api/v1/projects', { name: 'another' }) // an event: somebody looks
  const run = await until(async () => {
    const now = await it.run()
    return now.state !== 'waiting' && now
  })
  expect(run).toMatchObject(wanted)
})

test('a wait ends by itself, and gates one behind the other open one after the other', async () => {
  await using it = await line(
    `  ship:
    steps:
      - { approve: true, if: $(src.branch) == "other" }
      - { wait: 1s }
      - { wait: { until: "2020-01-01T00:00Z" } }
      - { name: last word, approve: release }
`,
  )
  const { id, token: as } = await person(it.house, 'ann', { role: 'approver' })
  await team(it.house, 'release', id)
  const all = await until(async () => {
    const items = await it.gates('')
    return items.length === 4 && items
  })
  expect(all.map(({ name, state }: { name: string; state: string }) => [name, state])).toEqual([
    ['last word', 'waiting'],
    ['wait', 'passed'],
    ['wait', 'passed'],
    ['approve', 'skipped'],
  ])
  // Gates are all there is of the job: it ends with the last of them, and no runner was ever here.
  await say(it.house, 'approve', { id: all[0].id, as })
  expect(await it.run()).toMatchObject({ state: 'succeeded', runner: null })
})

test('a run that is cancelled takes its gate with it', async () => {
  await using it = await line('  ship: { approve: true, run: x }\n')
  await it.waiting()
  await it.house.ask('POST /api/v1/runs/1/cancel')
  expect((await it.run()).state).toBe('cancelled')
  expect(await it.gates('')).toMatchObject([{ state: 'withdrawn' }])
})

test('a run at its gate keeps its place in its group, and a newer one asks in its stead where that is said', async () => {
  await using it = await line(
    '  ship: { approve: true, run: x, concurrency: { group: prod, superseded: cancel_waiting } }\n  next: { approve: true, run: x, concurrency: later }\n',
  )
  await it.waiting(2)
  await it.clone.push({ 'a.txt': 'a' })
  const open = await until(async () => {
    const items = await it.gates()
    return (
      items.length === 2 &&
      items.some(({ run, job }: { run: number; job: string }) => job === 'ship' && run > 2) &&
      items
    )
  })
  const runs = (await it.house.ask('GET /api/v1/runs?job=next')).body.items
  expect(runs.map(({ state }: { state: string }) => state)).toEqual(['queued', 'waiting'])
  expect(open.map(({ job }: { job: string }) => job).toSorted()).toEqual(['next', 'ship'])
  expect((await it.house.ask('GET /api/v1/runs?job=ship&state=cancelled')).body.items).toHaveLength(1)
})
