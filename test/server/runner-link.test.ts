import { WebSocket } from 'ws'
import { expect, test } from 'vitest'
import { DIALECT, type ReportEntry } from '#pipelines/wire/runner.ts'
import type { RunId } from '#pipelines/ids.ts'
import { HELLO, hand, heardUpTo, withWork, work } from '../support/hand.ts'
import { type House, startHouse } from '../support/server.ts'
import { hostedProject } from '../support/repository.ts'
import { until } from '../support/until.ts'

const runOf = async (house: House) => (await house.ask('GET /api/v1/runs/1')).body
const STARTED: ReportEntry = { kind: 'step.started', step: 1 }
const ENDED: ReportEntry = { kind: 'run.ended', move: 'succeed', error: null, exitCode: null }

test('a runner that asks gets a plan that holds what it needs and no more', async () => {
  await using house = await startHouse()
  const { runner, plan, lease } = await withWork(house)
  await using _ = runner
  expect(plan).toMatchObject({
    run: 1,
    project: 'shop',
    job: 'test',
    lane: 'main',
    attempt: 1,
    image: null,
    timeoutMs: 3_600_000,
  })
  expect(plan.checkout).toMatchObject({
    url: `${house.url}/git/shop.git`,
    ref: 'refs/heads/main',
    credential: { username: 'run', password: `1.${lease}` },
  })
  expect(plan.steps).toMatchObject([{ step: 1, name: 'run', kind: 'run', commands: ['say one', 'say two'] }])
})

test('without asking, a runner gets nothing', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using runner = await hand(house)
  await clone.push({ '.takt.yml': 'jobs: { test: { run: say x } }' })
  await until(async () => (await house.ask('GET /api/v1/runs')).body.items.length === 1)
  runner.say({ say: 'ready', slots: 1 })
  await until(() => work(runner.heard))
  expect(runner.heard.map((said) => said.say)).toEqual(['welcome', 'work'])
})

test('what is said twice is written once, and acknowledged both times', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  await using _ = runner
  runner.report(1, STARTED)
  for (let again = 0; again < 3; again++) runner.log(2, 'one\n')
  runner.log(3, 'two\n')
  runner.log(2, 'one\n')
  await until(() => heardUpTo(runner.heard) === 3)
  runner.report(4, ENDED)
  await until(async () => (await runOf(house)).state === 'succeeded')
  expect((await house.ask('GET /api/v1/runs/1/log')).text).toBe('one\ntwo\n')
})

test('a number that is missing ends the connection, and nothing behind it is written', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  runner.report(1, STARTED)
  await until(() => heardUpTo(runner.heard) === 1)
  runner.log(3, 'too early\n')
  expect(await runner.closed).toBe(1011)
  expect((await house.ask('GET /api/v1/runs/1/log')).text).toBe('')
  expect((await runOf(house)).state).toBe('running')
})

test('after a redial the runner is told how far it was heard', async () => {
  await using house = await startHouse()
  const { runner, lease } = await withWork(house)
  runner.report(1, STARTED)
  runner.log(2, 'one\n')
  await until(() => heardUpTo(runner.heard) === 2)
  await runner[Symbol.asyncDispose]()
  await using again = await hand(
    house,
    { ...HELLO, carrying: [{ run: 1, lease }] },
    { run: 1 as RunId, token: lease },
  )
  await until(() => heardUpTo(again.heard) === 2)
  again.log(3, 'two\n')
  again.report(4, ENDED)
  await until(async () => (await runOf(house)).state === 'succeeded')
  expect((await house.ask('GET /api/v1/runs/1/log')).text).toBe('one\ntwo\n')
})

test('a report under a lease that is not the run’s changes nothing', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  await using _ = runner
  await using thief = await hand(
    house,
    { ...HELLO, name: 'thief' },
    { run: 1 as RunId, token: 'not-the-lease-of-this-run' },
  )
  thief.log(1, 'forged\n')
  thief.report(2, { kind: 'run.ended', move: 'succeed', error: null, exitCode: null })
  await until(() => thief.heard.some((said) => said.say === 'forget'))
  expect(await runOf(house)).toMatchObject({ state: 'running', runner: 'hand' })
  expect((await house.ask('GET /api/v1/runs/1/log')).text).toBe('')
})

test('late words about a run that has ended change nothing', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  await using _ = runner
  runner.report(1, ENDED)
  await until(async () => (await runOf(house)).state === 'succeeded')
  runner.log(2, 'late\n')
  runner.report(3, { kind: 'run.ended', move: 'fail', error: null, exitCode: null })
  await until(() => runner.heard.some((said) => said.say === 'forget'))
  expect((await runOf(house)).state).toBe('succeeded')
  expect((await house.ask('GET /api/v1/runs/1/log')).text).toBe('')
})

test('a runner that comes back without its run has lost it: another attempt is queued at once', async () => {
  await using house = await startHouse()
  const { runner, lease } = await withWork(house)
  await runner[Symbol.asyncDispose]()
  await using again = await hand(house)
  await until(async () => (await runOf(house)).state === 'queued')
  again.say({ say: 'ready', slots: 1 })
  const given = await until(() => work(again.heard))
  expect(given.plan.attempt).toBe(2)
  expect(given.lease).not.toBe(lease)
})

test('a silent runner loses its run when the lease ends, three times at most', async () => {
  await using house = await startHouse({ TAKT_LEASE_MS: '1000' })
  const { runner } = await withWork(house)
  await using _ = runner
  const attempts = async () =>
    runner.heard.flatMap((said) => (said.say === 'work' ? [said.plan.attempt] : []))
  for (const attempt of [2, 3]) {
    await until(async () => (await runOf(house)).state === 'queued')
    runner.say({ say: 'ready', slots: 1 })
    await until(async () => (await attempts()).at(-1) === attempt)
  }
  const run = await until(async () => {
    const now = await runOf(house)
    return now.state === 'errored' && now
  })
  expect(run.error).toMatchObject({ code: 'runner_lost', message: expect.stringContaining('3 attempts') })
})

test('a runner that says it is alive keeps its run', async () => {
  await using house = await startHouse({ TAKT_LEASE_MS: '1000' })
  const { runner, lease } = await withWork(house)
  await using _ = runner
  const since = Date.now()
  await until(
    () => {
      runner.say({ say: 'alive', carrying: [{ run: 1, lease }] })
      return Date.now() - since > 2_500
    },
    { everyMs: 200 },
  )
  expect(await runOf(house)).toMatchObject({ state: 'running', attempt: 1 })
})

test.each([
  [
    'an old dialect',
    { ...HELLO, dialect: 0 },
    new RegExp(`dialect ${DIALECT}, the runner 0: install the same version`),
  ],
  ['a message of another shape', { say: 'hi' }, /not understood/],
  ['a report before hello', { say: 'alive', carrying: [] }, /say hello first/],
])('%s is refused with a sentence', async (_, hello, reason) => {
  await using house = await startHouse()
  await using runner = await hand(house, hello)
  expect(runner.heard[0]).toMatchObject({ say: 'refused', reason: expect.stringMatching(reason) })
  expect(await runner.closed).toBe(1008)
})

test.each([
  ['a wrong token', 'Bearer wrong'],
  ['an API token', null],
  ['nothing', ''],
])('who shows %s at the runners’ door stays outside', async (_, authorization) => {
  await using house = await startHouse()
  const shown = authorization === null ? `Bearer ${house.token}` : authorization
  const socket = new WebSocket(
    `${house.url.replace('http', 'ws')}/runner`,
    shown ? { headers: { authorization: shown } } : {},
  )
  const refusal = await new Promise<Error>((resolve) => socket.on('error', resolve))
  expect(refusal.message).toContain('401')
})

test('two runners of one name: the newer one stays, the older one is told why it must go', async () => {
  await using house = await startHouse()
  await using older = await hand(house)
  await using newer = await hand(house)
  expect(await until(() => older.heard.find((said) => said.say === 'refused'))).toMatchObject({
    reason: expect.stringContaining('another runner of this name'),
  })
  await older.closed
  const { body } = await house.ask('GET /api/v1/server')
  expect(body.runners).toMatchObject([{ name: 'hand', connected: true }])
  expect(newer.heard.map((said) => said.say)).toEqual(['welcome'])
})

test('work that was asked for when nobody waited comes as soon as it is there', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using runner = await hand(house)
  runner.say({ say: 'ready', slots: 1 })
  await clone.push({ '.takt.yml': 'jobs: { test: { run: say x } }' })
  await until(() => work(runner.heard))
})

test('room that was told before a sent run was taken is not given away twice', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using runner = await hand(house)
  await clone.push({ '.takt.yml': 'jobs: { test: { matrix: { n: [a, b, c] }, run: say x } }' })
  await until(async () => (await house.ask('GET /api/v1/runs')).body.items.length === 3)
  const given = () => runner.heard.filter((said) => said.say === 'work').length
  runner.say({ say: 'ready', slots: 1 })
  await until(() => given() === 1)
  runner.say({ say: 'ready', slots: 2, taken: 0 }) // said as the run was on its way: room for one besides it
  await until(() => given() === 2)
  runner.say({ say: 'ready', slots: 1, taken: 1 })
  await clone.push({ more: 'x' })
  await until(async () => (await house.ask('GET /api/v1/runs')).body.items.length === 6)
  expect(given()).toBe(2)
  runner.say({ say: 'ready', slots: 1 })
  await until(() => given() === 3)
})
