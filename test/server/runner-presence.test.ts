import { expect, test } from 'vitest'
import type { ReportEntry } from '#pipelines/wire/runner.ts'
import { HELLO, hand, heardUpTo, withWork, work } from '../support/hand.ts'
import { type House, startHouse } from '../support/server.ts'
import { hostedProject } from '../support/repository.ts'
import { until } from '../support/until.ts'

const runOf = async (house: House) => (await house.ask('GET /api/v1/runs/1')).body
const STARTED: ReportEntry = { kind: 'step.started', step: 1 }
const runnersOf = async (house: House) => (await house.ask('GET /api/v1/server')).body.runners

test('a connection that another one has replaced, on whatever server, gets no work and takes nothing away', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using stale = await hand(house)
  // As another server would write it down: the runner has dialled it, and this one's connection does not know yet.
  await house.db.updateTable('runners').set({ connection: 'over-there' }).execute()
  stale.say({ say: 'ready', slots: 1 })
  await clone.push({ '.takt.yml': 'jobs: { test: { run: say x } }' })
  expect(await stale.closed).toBe(1008)
  expect(stale.heard.map((said) => said.say)).toEqual(['welcome', 'refused'])
  await until(async () => (await house.ask('GET /api/v1/runs/1')).body?.state === 'queued')
  expect(await runnersOf(house)).toMatchObject([{ name: 'hand', connected: true }])
})

test('the end of an old connection says nothing of the runner', async () => {
  await using house = await startHouse()
  const old = await hand(house)
  await house.db.updateTable('runners').set({ connection: 'over-there' }).execute()
  await old[Symbol.asyncDispose]()
  await using other = await hand(house, { ...HELLO, name: 'other' })
  await other[Symbol.asyncDispose]()
  await until(async () => (await runnersOf(house)).some((each: { connected: boolean }) => !each.connected))
  expect(await runnersOf(house)).toMatchObject([
    { name: 'hand', connected: true },
    { name: 'other', connected: false },
  ])
})

test('a runner that has been silent for two leases is not here, whatever its connection looks like', async () => {
  await using house = await startHouse({ TAKT_LEASE_MS: '1000' })
  await using runner = await hand(house)
  const connected = async () => (await runnersOf(house))[0].connected
  expect(await connected()).toBe(true)
  await until(async () => !(await connected()))
  runner.say({ say: 'alive', carrying: [] })
  await until(connected)
})

test('an error in words that hold a NUL is written down without it', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  await using _ = runner
  const error = { code: 'checkout_failed', message: 'remote: \0 \\u0000' }
  runner.report(1, { kind: 'run.ended', move: 'fail', error, exitCode: null })
  await until(async () => (await runOf(house)).state === 'failed')
  expect((await runOf(house)).error.message).toBe('remote: \ufffd \\u0000')
})

test('the log of an attempt that was lost can still be read', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  runner.report(1, STARTED)
  runner.log(2, 'half\n')
  await until(() => heardUpTo(runner.heard) === 2)
  await runner[Symbol.asyncDispose]()
  await using again = await hand(house)
  again.say({ say: 'ready', slots: 1 })
  await until(() => work(again.heard))
  again.report(1, STARTED)
  again.log(2, 'whole\n')
  await until(() => heardUpTo(again.heard) === 2)
  const read = async (query: string) => house.ask(`GET /api/v1/runs/1/log${query}`)
  expect((await read('')).text).toBe('whole\n')
  expect((await read('?attempt=2')).text).toBe('whole\n')
  expect((await read('?attempt=1')).text).toBe('half\n')
  const lines = async (query: string) => (await read(`?as=json${query}`)).body
  expect(await lines('&attempt=1')).toMatchObject({ total: 1, ended: true, lines: [{ text: 'half' }] })
  expect(await lines('')).toMatchObject({ total: 1, ended: false, lines: [{ text: 'whole' }] })
  expect((await read('?attempt=3')).body).toMatchObject({ status: 404, code: 'run-not-found' })
  expect((await read('?attempt=0')).body).toMatchObject({ status: 422, code: 'invalid-request' })
})
