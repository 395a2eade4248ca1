import { describe, expect, test } from 'vitest'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'
import { wireTo } from '../support/wire.ts'

const FILE = 'jobs: { test: { run: [say begun, sleep 4000, say ended] } }'
const SLOW = { withinMs: 40_000, everyMs: 50 }
const runOf = async (house: House) => (await house.ask('GET /api/v1/runs/1')).body
const logOf = async (house: House, attempt: number) =>
  (await house.ask(`GET /api/v1/runs/1/log?attempt=${attempt}`)).text
/** What the run's own commands said, without what the runner said before. */
const said = (log: string) => log.slice(log.indexOf('begun'))

/** The first runner is in the middle of the run. */
async function begun(house: House): Promise<void> {
  await until(async () => (await logOf(house, 1)).includes('begun'), SLOW)
}
const ended = (house: House) =>
  until(async () => {
    const run = await runOf(house)
    return run.ended_at && run
  }, SLOW)
const endings = async (house: House) => house.db.selectFrom('endings').select('how').execute()

/** More of the lease has gone by than between two signs of life: the server has missed some. */
const isMissed = (house: House, leaseMs: number) =>
  until(async () => {
    const run = await house.db.selectFrom('runs').select('lease_until').executeTakeFirstOrThrow()
    return run.lease_until && run.lease_until.getTime() - Date.now() < leaseMs / 2
  }, SLOW)

/** A server that gives leases of this length, a runner behind a network that can be cut, and a run in the middle. */
async function midway(leaseMs: number) {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse({ TAKT_LEASE_MS: String(leaseMs) }))
  const wire = stack.use(await wireTo(house.url))
  const clone = stack.use(await hostedProject(house, 'shop'))
  const first = stack.use(await startRunner({ ...house, url: wire.url }, { name: 'first', slots: 1 }))
  await clone.push({ '.takt.yml': FILE })
  await begun(house)
  return { house, wire, first, leaseMs, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
type Midway = Awaited<ReturnType<typeof midway>>

/** The run goes on where it was, once. */
async function comesThrough({ house }: Midway): Promise<void> {
  expect(await ended(house)).toMatchObject({ state: 'succeeded', attempt: 1, earlier: [] })
  expect(said(await logOf(house, 1))).toBe('begun\nended\n')
  expect(await endings(house)).toEqual([{ how: 'success' }])
}

/** A run that was taken from a runner that nobody heard, and what comes back from it late. */
async function isTakenOver({ house, first }: Midway, comeBack: () => void): Promise<void> {
  await using _second = await startRunner(house, { name: 'second' })
  await until(async () => (await runOf(house)).runner === 'second', SLOW)
  expect(await runOf(house)).toMatchObject({
    state: 'running',
    attempt: 2,
    again: 'attempt 1 was lost: the runner went silent',
  })
  const before = first.output().split('link.opened').length
  comeBack()
  await until(() => first.output().split('link.opened').length > before, SLOW)
  expect(await ended(house)).toMatchObject({
    state: 'succeeded',
    attempt: 2,
    runner: 'second',
    earlier: [{ attempt: 1, state: 'errored', runner: 'first' }],
  })
  expect(said(await logOf(house, 2))).toBe('begun\nended\n')
  expect(said(await logOf(house, 1))).toBe('begun\n')
  expect(await endings(house)).toEqual([{ how: 'success' }])
}

describe('a network that is cut', { timeout: 120_000 }, () => {
  test('for less than a lease costs nothing: one attempt, and its log exact', async () => {
    await using it = await midway(8_000)
    it.wire.cut()
    await isMissed(it.house, it.leaseMs)
    expect((await runOf(it.house)).state).toBe('running')
    it.wire.mend()
    await comesThrough(it)
  })

  test('for longer than a lease costs an attempt, and what is said late changes nothing', async () => {
    await using it = await midway(2_000)
    it.wire.cut()
    await isTakenOver(it, () => it.wire.mend())
  })
})

describe('a runner that is frozen', { timeout: 120_000 }, () => {
  test('for longer than a lease loses its run, and wakes up without doing harm', async () => {
    await using it = await midway(2_000)
    it.first.process.kill('SIGSTOP')
    await isTakenOver(it, () => {
      // A frozen machine's connections do not outlive it: the network has given them up meanwhile.
      it.wire.mend()
      it.first.process.kill('SIGCONT')
    })
  })

  test('for a moment keeps its run', async () => {
    await using it = await midway(8_000)
    it.first.process.kill('SIGSTOP')
    await isMissed(it.house, it.leaseMs)
    it.first.process.kill('SIGCONT')
    await comesThrough(it)
  })
})
