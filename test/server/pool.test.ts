import { expect, test } from 'vitest'
import { HELLO, type Hand, hand, withWork, work } from '../support/hand.ts'
import { hostedProject } from '../support/repository.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const POOL = { least: 2, most: 8, life: 'first-life' }
const runner = async (house: House, name = 'hand') => {
  const { items } = (await house.ask('GET /api/v1/runners')).body
  return items.find((each: { name: string }) => each.name === name)
}
const kinds = async (house: House): Promise<string[]> =>
  (await house.ask('GET /api/v1/runners/hand/events')).body.items
    .map((event: { kind: string }) => event.kind)
    .toReversed()
const steered = ({ heard }: Hand) => heard.flatMap((said) => (said.say === 'steer' ? [said.mode] : []))

test('a runner says how many slots it has, and its events are noted once however often it tells them', async () => {
  await using house = await startHouse()
  await using first = await hand(house, {
    ...HELLO,
    slots: 2,
    pool: POOL,
    labels: { gpu: '', arch: 'arm64' },
  })
  expect(await runner(house)).toMatchObject({
    state: 'idle',
    slots: 2,
    slots_least: 2,
    slots_most: 8,
    labels: { gpu: '', arch: 'arm64' },
    runs: [],
  })
  const grown = { seq: 1, kind: 'scaled', words: '3 slots: every slot was busy', slots: 3 }
  const again = { seq: 2, kind: 'scaled', words: '4 slots: every slot was busy', slots: 4 }
  first.say({ say: 'standing', slots: 3, trouble: null, events: [grown] })
  first.say({ say: 'standing', slots: 4, trouble: null, events: [grown, again] })
  await until(() => first.heard.some((said) => said.say === 'noted' && said.seq === 2))
  expect((await runner(house)).slots).toBe(4)
  expect(await kinds(house)).toEqual(['arrived', 'scaled', 'scaled'])
  await using _second = await hand(house, { ...HELLO, pool: { ...POOL, life: 'second-life' } })
  _second.say({ say: 'standing', slots: 2, trouble: null, events: [grown] })
  await until(async () => (await kinds(house)).filter((kind) => kind === 'scaled').length === 3)
})

test('a paused runner gets nothing new, what it runs goes on, and when it is resumed it gets what waits', async () => {
  await using house = await startHouse()
  const { runner: at, plan } = await withWork(house)
  await using _ = at
  const { status, body } = await house.ask('POST /api/v1/runners/hand/pause', { reason: 'new disk' })
  expect(status).toBe(200)
  expect(body).toMatchObject({
    state: 'paused',
    mode_reason: 'new disk',
    mode_by: expect.any(String),
    runs: [{ id: plan.run, job: 'test', project: 'shop' }],
  })
  await until(() => steered(at).at(-1) === 'paused')
  at.say({ say: 'ready', slots: 1 })
  at.report(1, { kind: 'run.ended', move: 'succeed', error: null, exitCode: null })
  await until(async () => (await house.ask('GET /api/v1/runs/1')).body.state === 'succeeded')
  const second = await house.ask('POST /api/v1/runs/1/retry')
  expect(second.body.held).toBe('every runner that could take it is paused, draining or in trouble')
  expect(at.heard.filter((said) => said.say === 'work')).toHaveLength(1)
  await house.ask('POST /api/v1/runners/hand/resume')
  await until(() => steered(at).at(-1) === 'active')
  await until(() => at.heard.filter((said) => said.say === 'work').length === 2)
  expect(await kinds(house)).toEqual(['arrived', 'paused', 'resumed'])
})

test('a runner that drains is drained when its last run has ended, and stays so over a redial', async () => {
  await using house = await startHouse()
  const { runner: at } = await withWork(house)
  expect((await house.ask('POST /api/v1/runners/hand/drain')).body.state).toBe('draining')
  at.report(1, { kind: 'run.ended', move: 'succeed', error: null, exitCode: null })
  await until(async () => (await runner(house)).state === 'drained')
  await at[Symbol.asyncDispose]()
  await until(async () => (await runner(house)).state === 'away')
  await using again = await hand(house)
  await until(() => steered(again).at(-1) === 'draining')
  expect((await runner(house)).state).toBe('drained')
})

test('a runner in trouble gets nothing until it is well, and a reset tells it to try again', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using at = await hand(house, { ...HELLO, pool: POOL })
  const trouble = 'Docker does not answer: connect ENOENT /var/run/docker.sock'
  const event = { seq: 1, kind: 'degraded', words: trouble, slots: null }
  at.say({ say: 'standing', slots: 2, trouble, events: [event] })
  await until(async () => (await runner(house)).state === 'degraded')
  expect(await runner(house)).toMatchObject({ trouble, trouble_at: expect.any(String) })
  at.say({ say: 'ready', slots: 2 })
  await clone.push({ '.takt.yml': 'jobs: { test: { run: say x } }' })
  await until(async () => (await house.ask('GET /api/v1/runs/1')).body?.held?.includes('in trouble'))
  await house.ask('POST /api/v1/runners/hand/reset')
  await until(() => at.heard.some((said) => said.say === 'steer' && said.resets === 1))
  expect(work(at.heard)).toBeUndefined()
  at.say({ say: 'standing', slots: 2, trouble: null, events: [] })
  await until(() => work(at.heard))
  expect(await kinds(house)).toEqual(['arrived', 'degraded', 'reset'])
})

test('who steers a runner that nobody knows, or nobody signed in, is told so', async () => {
  await using house = await startHouse()
  expect((await house.ask('POST /api/v1/runners/none/pause')).body).toMatchObject({
    code: 'runner-not-found',
    detail: 'there is no runner `none`',
  })
  expect((await house.ask('GET /api/v1/runners/none/events')).status).toBe(404)
  expect((await house.ask('POST /api/v1/runners/none/pause', {}, { as: null })).status).toBe(401)
})

test('of a runner’s events the newest 500 are kept', async () => {
  await using house = await startHouse()
  await using at = await hand(house, { ...HELLO, pool: POOL })
  for (let page = 0; page < 6; page++) {
    const events = Array.from({ length: 100 }, (_, index) => {
      const seq = page * 100 + index + 1
      return { seq, kind: 'scaled', words: `change ${seq}`, slots: 2 }
    })
    at.say({ say: 'standing', slots: 2, trouble: null, events })
  }
  await until(() => at.heard.some((said) => said.say === 'noted' && said.seq === 600), { withinMs: 30_000 })
  const { rows } = { rows: await house.db.selectFrom('runner_events').select('words').execute() }
  expect(rows).toHaveLength(500)
  const first = (await house.ask('GET /api/v1/runners/hand/events?limit=2')).body
  expect(first.items.map((event: { words: string }) => event.words)).toEqual(['change 600', 'change 599'])
  const next = (await house.ask(`GET /api/v1/runners/hand/events?limit=1&after=${first.next}`)).body
  expect(next.items[0].words).toBe('change 598')
})
