import { expect, test } from 'vitest'
import { hand, work } from '../support/hand.ts'
import { hostedProject } from '../support/repository.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

/** A project with this file, pushed once. */
async function line(file: string, name = 'shop', known?: House) {
  const stack = new AsyncDisposableStack()
  const house = known ?? stack.use(await startHouse())
  const clone = stack.use(await hostedProject(house, name))
  await clone.push({ '.takt.yml': file })
  const synced = `GET /api/v1/projects/${name}/pipelines/main`
  await until(async () => (await house.ask(synced)).status === 200)
  const run = async (id = 1) => (await house.ask(`GET /api/v1/runs/${id}`)).body
  const gate = async (id = 1) => (await house.ask(`GET /api/v1/gates/${id}`)).body
  const ended = (id = 1) =>
    until(async () => {
      const found = await run(id)
      return /succeeded|failed|errored|cancelled/.test(found.state) && found
    })
  const waiting = (id = 1) => until(async () => (await run(id)).state === 'waiting')
  const start = async (job: string): Promise<number> =>
    (await house.ask(`POST /api/v1/projects/${name}/pipelines/main/jobs/${job}/runs`, {})).body.id
  return { house, clone, start, run, gate, ended, waiting, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const tell = (house: House, body: object) => house.ask('POST /api/v1/projects/shop/events/deploys', body)

test('a run waits for an event, which must fit, and goes on with what it tells', async () => {
  await using it = await line(`
resources: { src: { git: . }, live: { event: { source: deploys, if: { status: live } } } }
jobs: { ship: { get: src, steps: [{ wait: { event: live, within: 1h } }, { run: x }] } }
`)
  await it.waiting()
  await tell(it.house, { status: 'begun', host: 'a' })
  expect(await it.gate()).toMatchObject({ kind: 'wait', words: 'waits for the next version of live' })
  expect((await it.run()).state).toBe('waiting')
  await tell(it.house, { status: 'live', host: 'b' })
  await using runner = await hand(it.house)
  runner.say({ say: 'ready', slots: 1 })
  const { plan } = await until(() => work(runner.heard))
  expect(plan.env).toMatchObject({ LIVE_STATUS: 'live', LIVE_HOST: 'b' })
  expect(await it.gate()).toMatchObject({ state: 'passed' })
})

test('an event that came before is no answer, and one that never comes ends the run', async () => {
  await using it = await line(`
resources: { src: { git: . }, live: { event: { source: deploys } } }
jobs: { ship: { get: { src: { trigger: false } }, steps: [{ wait: { event: live, within: 2s } }, { run: x }] } }
`)
  await tell(it.house, { early: true })
  expect(await it.ended(await it.start('ship'))).toMatchObject({
    state: 'failed',
    error: {
      code: 'gate_expired',
      message: 'nothing came in time; the run waits for the next version of live',
    },
  })
})

const CALLED = 'jobs: { ship: { steps: [{ wait: { callback: done, within: 1h } }, { run: x }] } }\n'

test('a run is called back once, at an address that nobody can guess', async () => {
  await using it = await line(CALLED)
  await it.waiting()
  const { status, body } = await it.house.ask('POST /api/v1/gates/1/callback', {})
  expect(status).toBe(200)
  const call = async (url: string, sent = '{"to":{"host":"b"}}') => {
    const answer = await fetch(url, { method: 'POST', body: sent })
    return [answer.status, (await answer.json()).code]
  }
  const wrong = body.url.replace(/.$/, (end: string) => (end === '0' ? '1' : '0'))
  expect(await call(wrong)).toEqual([403, 'bad-callback'])
  expect(await call(body.url.replace(/callbacks\/\d+/, 'callbacks/99'))).toEqual([403, 'bad-callback'])
  expect(await call(body.url, 'x'.repeat(70_000))).toEqual([413, 'body-too-large'])
  expect(await call(body.url)).toEqual([202, undefined])
  expect(await call(body.url)).toEqual([409, 'callback-used'])
  await using runner = await hand(it.house)
  runner.say({ say: 'ready', slots: 1 })
  const { plan } = await until(() => work(runner.heard))
  expect(plan.env).toMatchObject({ CALLBACK_DONE_TO_HOST: 'b' })
  const { items } = (await it.house.ask('GET /api/v1/audit?action=callback.take')).body
  expect(items.map(({ outcome }: { outcome: string }) => outcome).toSorted()).toEqual([
    'denied',
    'done',
    'refused',
  ])
})

test('commands before a wait find the address in a variable, as a secret, and are heard before the wait begins', async () => {
  await using it = await line(
    'jobs: { ship: { steps: [{ run: x }, { wait: { callback: all-done, within: 1h } }, { run: y }] } }\n',
  )
  await using runner = await hand(it.house)
  runner.say({ say: 'ready', slots: 1 })
  const { plan } = await until(() => work(runner.heard))
  const address = plan.secrets['CALLBACK_URL_ALL_DONE'] ?? ''
  expect(address.startsWith(`${it.house.url}/hooks/callbacks/`)).toBe(true)
  expect(JSON.stringify(plan.env)).not.toContain('/hooks/callbacks/')
  const call = async () => (await fetch(address, { method: 'POST', body: '{"host":"b"}' })).status
  expect([await call(), await call()]).toEqual([202, 409])
  expect((await it.run()).state).toBe('running')
})

test('who calls back too late is told so', async () => {
  await using it = await line(CALLED)
  await it.waiting()
  const { body } = await it.house.ask('POST /api/v1/gates/1/callback', {})
  await it.house.ask('POST /api/v1/runs/1/cancel', {})
  await it.ended()
  const answer = await fetch(body.url, { method: 'POST' })
  expect([answer.status, (await answer.json()).code]).toEqual([410, 'callback-expired'])
})

test('a job of another pipeline is started with its form filled in, and its end is the end of the gate', async () => {
  await using it = await line(
    'jobs: { ship: { steps: [{ trigger: { job: infra/main/apply, inputs: { env: $(src.branch) } } }, { run: x }] } }\n',
  )
  await it.ended(1) // there is no such project yet
  await using infra = await line(
    'jobs: { apply: { inputs: { env: text }, get: { src: { trigger: false } }, run: x } }\n',
    'infra',
    it.house,
  )
  await it.house.ask('POST /api/v1/projects/shop/pipelines/main/jobs/ship/runs', {})
  const started = await until(async () => {
    const found = await infra.run(3)
    return found.id ? found : (await it.run(2)).error
  })
  expect(started).toMatchObject({
    project: 'infra',
    job: 'apply',
    reason: 'started by shop/main/ship, run 2',
  })
  expect(await it.gate(2)).toMatchObject({
    ...{ kind: 'trigger', state: 'waiting', words: 'runs infra/main/apply' },
    act: { kind: 'trigger', project: 'infra', wait: true, runs: [{ id: 3, number: 1, state: 'queued' }] },
  })
  expect((await it.run(2)).state).toBe('waiting')
  await it.house.ask('POST /api/v1/runs/3/cancel', {})
  expect(await it.ended(2)).toMatchObject({
    state: 'failed',
    error: { code: 'triggered_run', message: 'infra/main/apply was cancelled (run 3)' },
  })
})

test('a run that is cancelled takes the run with it that it waits for, and not one that it does not wait for', async () => {
  await using it = await line(`
jobs:
  waits: { get: { src: { trigger: false } }, steps: [{ trigger: main/apply }] }
  tells: { get: { src: { trigger: false } }, steps: [{ trigger: { job: main/apply, wait: false } }, { wait: 1h }] }
  apply: { get: { src: { trigger: false } }, run: x }
`)
  const startAndCancel = async (job: string) => {
    const id = await it.start(job)
    await until(async () => (await it.run(id + 1)).state === 'queued')
    await it.waiting(id)
    await it.house.ask(`POST /api/v1/runs/${id}/cancel`, {})
    return { id, started: id + 1 }
  }
  const tells = await startAndCancel('tells')
  const { id, started } = await startAndCancel('waits')
  expect(await it.ended(started)).toMatchObject({
    state: 'cancelled',
    error: { message: `run ${id}, which had started it and waited for it, was cancelled` },
  })
  expect((await it.run(tells.started)).state).toBe('queued')
  const { id: again } = (await it.house.ask(`POST /api/v1/runs/${started}/retry`, {})).body
  await it.ended((await startAndCancel('waits')).started)
  expect((await it.run(again)).state).toBe('queued')
})

test('what cannot be started is refused in words: no such job, no such project, a circle', async () => {
  await using it = await line(`
jobs:
  a: { get: { src: { trigger: false } }, steps: [{ trigger: main/nothing }] }
  b: { get: { src: { trigger: false } }, steps: [{ trigger: elsewhere/main/x }] }
  c: { get: { src: { trigger: false } }, steps: [{ trigger: { job: main/d, wait: false } }] }
  d: { get: { src: { trigger: false } }, steps: [{ trigger: main/c }] }
`)
  const words = async (id: number) => (await it.ended(id)).error?.message
  expect(await words(await it.start('a'))).toContain('there is no job `nothing` in shop/main')
  expect(await words(await it.start('b'))).toContain('there is no project `elsewhere` in this organization')
  const c = await it.start('c')
  expect((await it.ended(c)).state).toBe('succeeded')
  expect(await words(c + 1)).toContain('main/c was not started: that is a circle')
})

test('an organization’s jobs start nothing of another organization', async () => {
  await using it = await line('jobs: { a: { steps: [{ trigger: infra/main/apply }] } }\n')
  await it.ended(1) // there is no such project yet
  await using infra = await line(
    'jobs: { apply: { get: { src: { trigger: false } }, run: x } }\n',
    'infra',
    it.house,
  )
  const { id } = await it.house.db
    .insertInto('organizations')
    .values({ name: 'others' })
    .returning('id')
    .executeTakeFirstOrThrow()
  await it.house.db.updateTable('projects').set({ organization_id: id }).where('name', '=', 'infra').execute()
  await it.house.ask('POST /api/v1/projects/shop/pipelines/main/jobs/a/runs', {})
  expect((await it.ended(2)).error.message).toContain('there is no project `infra` in this organization')
  expect((await infra.run(3)).code).toBe('run-not-found')
})
