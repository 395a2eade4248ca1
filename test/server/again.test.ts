import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { ReportEntry, ServerSays } from '#pipelines/wire/runner.ts'
import { cancelRun } from '../../server/runs/ask.ts'
import { endPauses } from '../../server/runs/pauses.ts'
import { HELLO, type Hand, hand } from '../support/hand.ts'
import { hostedProject } from '../support/repository.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

type Work = Extract<ServerSays, { say: 'work' }>
const works = (runner: Hand) => runner.heard.flatMap((said): Work[] => (said.say === 'work' ? [said] : []))
const FAILED: ReportEntry = { kind: 'run.ended', move: 'fail', error: null, exitCode: 3 }
const BROKE: ReportEntry = {
  kind: 'run.ended',
  move: 'break',
  error: { code: 'image_pull_failed', message: 'The registry does not answer.' },
  exitCode: null,
}
const GOOD: ReportEntry = { kind: 'run.ended', move: 'succeed', error: null, exitCode: null }

/** A line whose runs a runner in the test's hands takes, one at a time, and ends as the test says. */
async function handled(file: string) {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse())
  const clone = stack.use(await hostedProject(house, 'shop'))
  const runner = stack.use(await hand(house))
  await clone.push({ '.takt.yml': file })
  let taken = 0
  const take = async () => {
    runner.say({ say: 'ready', slots: 1 })
    const given = await until(() => works(runner)[taken])
    taken++
    return given
  }
  const end = ({ lease, plan: { run } }: Work, entry: ReportEntry) => {
    runner.say({ say: 'report', run, lease, seq: 1, entry })
    return until(() =>
      runner.heard.some((said) => said.say === 'heard' && said.run === run && said.seq === 1),
    )
  }
  const run = async (id = 1) => (await house.ask(`GET /api/v1/runs/${id}`)).body
  return { house, clone, runner, take, end, run, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('a failed run is tried again as often as its job says, and its end is the last attempt’s', async () => {
  await using it = await handled(
    'jobs:\n  test: { retry: { max: 2, on: failed, delay: 1s }, run: say x }\n  after: { needs: test, run: say y }\n',
  )
  await it.end(await it.take(), FAILED)
  expect(await until(async () => (await it.run()).state === 'queued' && it.run())).toMatchObject({
    attempt: 2,
    attempts: 3,
    again: 'attempt 1 failed: exit code 3',
    held: 'pauses before attempt 2 of 3: attempt 1 failed: exit code 3',
    not_before: expect.any(String),
    ended_at: null,
    earlier: [{ attempt: 1, state: 'failed', exit_code: 3, runner: 'hand' }],
  })
  for (const attempt of [2, 3]) {
    const given = await it.take()
    expect(given.plan.attempt).toBe(attempt)
    await it.end(given, FAILED)
  }
  const run = await until(async () => (await it.run()).state === 'failed' && it.run())
  expect(run.earlier.map((each: { reason: string }) => each.reason)).toEqual([
    'attempt 1 failed: exit code 3',
    'attempt 2 failed: exit code 3',
  ])
  expect((await it.house.ask('GET /api/v1/runs')).body.items).toHaveLength(1)
})

test('no dependent starts, and nothing is said to have ended, before the last attempt', async () => {
  await using it = await handled(
    'jobs:\n  test: { retry: { max: 1, delay: 1s }, run: say x }\n  sad: { needs: { test: { on: [failure, finish] } }, run: say y }\n  glad: { needs: test, run: say z }\n',
  )
  await it.end(await it.take(), FAILED)
  const endings = async () => (await sql`select 1 from endings`.execute(it.house.db)).rows.length
  expect(await endings()).toBe(0)
  const second = await it.take()
  expect(second.plan).toMatchObject({ run: 1, attempt: 2 })
  await it.end(second, GOOD)
  const jobs = [await it.take(), await it.take()].map((given) => given.plan.job)
  expect(jobs.toSorted()).toEqual(['glad', 'sad'])
  expect(await endings()).toBe(1)
})

test('without a word of the job, our failures are tried twice again and the author’s never', async () => {
  await using it = await handled('jobs:\n  ours: { run: say x }\n')
  for (const attempt of [1, 2, 3]) {
    const given = await it.take()
    expect(given.plan.attempt).toBe(attempt)
    await it.end(given, BROKE)
  }
  expect(await until(async () => (await it.run()).state === 'errored' && it.run())).toMatchObject({
    attempt: 3,
    error: { code: 'image_pull_failed' },
    earlier: [{ reason: 'attempt 1 errored: The registry does not answer.' }, {}],
  })
  await it.clone.push({ again: 'x' })
  await it.end(await it.take(), FAILED)
  await until(async () => (await it.run(2)).state === 'failed')
})

test('`retry: 0` is never, not even where the runner is lost', async () => {
  await using it = await handled('jobs:\n  test: { retry: 0, run: say x }\n')
  await it.take()
  await it.runner[Symbol.asyncDispose]()
  await using _ = await hand(it.house)
  expect(await until(async () => (await it.run()).state === 'errored' && it.run())).toMatchObject({
    error: { code: 'runner_lost', message: expect.stringMatching(/^The runner went silent\. Look/) },
  })
})

test('a run that waits for its next attempt is cancelled at once, and one that is to be cancelled gets none', async () => {
  await using it = await handled('jobs:\n  test: { retry: { max: 5, delay: 1h }, run: say x }\n')
  await it.end(await it.take(), FAILED)
  await until(async () => (await it.run()).state === 'queued')
  await cancelRun(it.house.db, 1 as never, 'not wanted')
  expect(await it.run()).toMatchObject({ state: 'cancelled', not_before: null, held: null })
  await it.clone.push({ again: 'x' })
  const given = await it.take()
  await cancelRun(it.house.db, given.plan.run, 'not wanted')
  await it.end(given, FAILED)
  expect(await until(async () => (await it.run(2)).state !== 'running' && it.run(2))).toMatchObject({
    state: 'failed',
    attempt: 1,
  })
})

test('a run that pauses keeps its place in its group, and holds up no other job', async () => {
  await using it = await handled(
    "triggers: { push: ['**'] }\njobs:\n  deploy: { concurrency: { group: prod, limit: 1 }, retry: { max: 1, delay: 1h }, run: say x }\n",
  )
  await it.clone.push({ more: 'x' }, { branch: 'other' })
  await until(async () => (await it.run(2))?.held)
  const first = await it.take()
  await it.end(first, FAILED)
  await until(async () => (await it.run(first.plan.run)).state === 'queued')
  const other = first.plan.run === 1 ? 2 : 1
  expect((await it.run(other)).held).toBe('waits for its turn in `prod`, one at a time')
  expect(await endPauses(it.house.db)).toBeGreaterThan(60_000)
  await sql`update runs set not_before = now() where not_before is not null`.execute(it.house.db)
  await endPauses(it.house.db) // no event tells the server of a row that a test changes
  const again = await it.take()
  expect(again.plan).toMatchObject({ run: first.plan.run, attempt: 2 })
  await it.end(again, FAILED)
  expect((await it.take()).plan.run).toBe(other)
})

test('a leg that is tried again has not failed: the others of its matrix go on', async () => {
  await using it = await handled(
    'jobs:\n  test: { matrix: { os: [a, b], max_parallel: 1, fail_fast: true }, retry: { max: 1, delay: 1s }, run: say x }\n  next: { needs: test, run: say y }\n',
  )
  const first = await it.take()
  await it.end(first, FAILED)
  await it.end(await it.take(), GOOD)
  const second = await it.take()
  await it.end(second, GOOD)
  expect((await it.take()).plan.job).toBe('next')
  const { items } = (await it.house.ask('GET /api/v1/runs?job=test')).body
  expect(items.map((run: { state: string }) => run.state)).toEqual(['succeeded', 'succeeded'])
})

test('a failure that may be lets the line go on, and is seen all the same', async () => {
  await using it = await handled(
    'jobs:\n  lint: { allow_failure: true, run: say x }\n  ship: { needs: lint, run: say y }\n  mourn: { needs: { lint: { on: failure } }, run: say z }\n',
  )
  await it.end(await it.take(), FAILED)
  const ship = await it.take()
  expect(ship.plan.job).toBe('ship')
  expect(await it.run()).toMatchObject({ state: 'failed', allow_failure: true })
  const { jobs } = (await it.house.ask('GET /api/v1/projects/shop/pipelines/main')).body
  expect(jobs.map((job: { last_run: { state: string } | null }) => job.last_run?.state ?? null)).toEqual([
    'failed',
    'running',
    null,
  ])
})

test('what is said of an attempt that was given up changes nothing of the next one', async () => {
  await using it = await handled('jobs:\n  test: { retry: { max: 1, delay: 1s }, run: say x }\n')
  const first = await it.take()
  await it.end(first, FAILED)
  const second = await it.take()
  it.runner.say({ say: 'report', run: 1, lease: first.lease, seq: 2, entry: GOOD })
  await until(() => it.runner.heard.some((said) => said.say === 'forget' && said.run === 1))
  expect(await it.run()).toMatchObject({ state: 'running', attempt: 2 })
  await it.end(second, GOOD)
  await until(async () => (await it.run()).state === 'succeeded')
})

test('a pause outlives the server: whoever comes after it lets the run begin', async () => {
  await using it = await handled('jobs:\n  test: { retry: { max: 1, delay: 2s }, run: say x }\n')
  await it.end(await it.take(), FAILED)
  await until(async () => (await it.run()).state === 'queued')
  await it.house.restart()
  await using again = await hand(it.house, { ...HELLO, name: 'other' })
  again.say({ say: 'ready', slots: 1 })
  expect((await until(() => works(again)[0])).plan).toMatchObject({ run: 1, attempt: 2 })
})
