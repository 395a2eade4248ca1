import { expect, test } from 'vitest'
import { hostedProject } from '../support/repository.ts'
import { type Runner, startRunner } from '../support/runner.ts'
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
const passes = async (ms: number) => {
  const since = Date.now()
  await until(() => Date.now() - since > ms, { withinMs: ms + 10_000 })
}

test(
  'a network that is cut for less than a lease costs nothing: one attempt, and its log exact',
  {
    timeout: 90_000,
  },
  async () => {
    await using house = await startHouse({ TAKT_LEASE_MS: '8000' })
    await using wire = await wireTo(house.url)
    await using clone = await hostedProject(house, 'shop')
    await using _runner = await startRunner({ ...house, url: wire.url }, { name: 'first' })
    await clone.push({ '.takt.yml': FILE })
    await begun(house)
    wire.cut()
    await passes(4_500)
    expect((await runOf(house)).state).toBe('running')
    wire.mend()
    expect(await ended(house)).toMatchObject({ state: 'succeeded', attempt: 1, earlier: [] })
    expect(said(await logOf(house, 1))).toBe('begun\nended\n')
    expect(await endings(house)).toEqual([{ how: 'success' }])
  },
)

/** A run that was taken from a runner that nobody heard, and what comes back from it late. */
async function takenOver(
  house: House,
  { silence, comeBack }: { silence: () => void; comeBack: () => void },
  first: Runner,
): Promise<void> {
  await begun(house)
  silence()
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

test(
  'a network that is cut for longer than a lease costs an attempt, and what is said late changes nothing',
  {
    timeout: 120_000,
  },
  async () => {
    await using house = await startHouse({ TAKT_LEASE_MS: '2000' })
    await using wire = await wireTo(house.url)
    await using clone = await hostedProject(house, 'shop')
    await using first = await startRunner({ ...house, url: wire.url }, { name: 'first', slots: 1 })
    await clone.push({ '.takt.yml': FILE })
    await takenOver(house, { silence: () => wire.cut(), comeBack: () => wire.mend() }, first)
  },
)

test(
  'a runner that is frozen for longer than a lease loses its run, and wakes up without doing harm',
  {
    timeout: 120_000,
  },
  async () => {
    await using house = await startHouse({ TAKT_LEASE_MS: '2000' })
    await using wire = await wireTo(house.url)
    await using clone = await hostedProject(house, 'shop')
    await using first = await startRunner({ ...house, url: wire.url }, { name: 'first', slots: 1 })
    await clone.push({ '.takt.yml': FILE })
    const silence = () => void first.process.kill('SIGSTOP')
    // A frozen machine's connections do not outlive it: the network has given them up meanwhile.
    const comeBack = () => {
      wire.mend()
      first.process.kill('SIGCONT')
    }
    await takenOver(house, { silence, comeBack }, first)
  },
)

test('a runner that is frozen for a moment keeps its run', { timeout: 90_000 }, async () => {
  await using house = await startHouse({ TAKT_LEASE_MS: '8000' })
  await using clone = await hostedProject(house, 'shop')
  await using first = await startRunner(house, { name: 'first' })
  await clone.push({ '.takt.yml': FILE })
  await begun(house)
  first.process.kill('SIGSTOP')
  await passes(3_000)
  first.process.kill('SIGCONT')
  expect(await ended(house)).toMatchObject({ state: 'succeeded', attempt: 1 })
  expect(said(await logOf(house, 1))).toBe('begun\nended\n')
})
