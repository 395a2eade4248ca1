import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { retryRun } from '../../server/runs/retry.ts'
import { cancelRun } from '../../server/runs/ask.ts'
import { steeredLine as line, type SteeredRun } from '../support/steer.ts'

const stands = (runs: readonly SteeredRun[]) =>
  runs.map(({ state, held }) => (held === null ? state : 'held'))
const ANN = { id: 1 as never, name: 'ann' }

test('runs are claimed in the order in which they came, a point of priority being a minute ahead', async () => {
  await using it = await line(
    'jobs:\n  slow: { run: say slow }\n  quick: { priority: 5, run: say quick }\n  slower: { priority: -1, run: say x }\n',
  )
  await it.push()
  await it.quiet()
  const order = [await it.claim(), await it.claim(), await it.claim()]
  expect(order.map((run) => run?.job)).toEqual(['quick', 'slow', 'slower'])
  expect(await it.claim()).toBeNull()
})

test('a run that has waited long enough goes before one of a higher priority', async () => {
  await using it = await line('jobs:\n  slow: { run: say slow }\n  quick: { priority: 5, run: say quick }\n')
  await it.push()
  await sql`update runs set due_at = due_at - interval '6 minutes'
    where job_id = (select id from jobs where name = 'slow')`.execute(it.house.db)
  expect((await it.claim())?.job).toBe('slow')
})

test('runs of a concurrency group take turns, the oldest first, whatever their lane', async () => {
  await using it = await line(
    "triggers: { push: ['**'] }\njobs:\n  a: { concurrency: { group: db, limit: 2 }, run: say a }\n",
  )
  await it.push()
  await it.push({}, 'one')
  await it.push({}, 'two')
  await it.push({}, 'three')
  expect(stands(await it.runs())).toEqual(['queued', 'queued', 'held', 'held'])
  expect((await it.runs())[2]!.held).toBe('waits for its turn in `db`, 2 at a time')
  const [first, second] = await it.runs()
  await it.endRun(second!.id, 'fail')
  expect(stands(await it.runs())).toEqual(['queued', 'failed', 'queued', 'held'])
  await cancelRun(it.house.db, first!.id, 'not wanted')
  expect(stands(await it.runs())).toEqual(['cancelled', 'failed', 'queued', 'queued'])
})

test('a run that is lost keeps its place in the group', async () => {
  await using it = await line(
    "triggers: { push: ['**'] }\njobs:\n  a: { concurrency: { group: db, limit: 1 }, run: say a }\n",
  )
  await it.push()
  await it.push({}, 'one')
  const first = await it.claim()
  await sql`update runs set lease_until = now() - interval '1 minute' where id = ${first!.id}`.execute(
    it.house.db,
  )
  const { reap } = await import('../../server/runners/reap.ts')
  await reap(it.house.db)
  expect(stands(await it.runs())).toEqual(['queued', 'held'])
})

test('a new run supersedes older ones that wait, where the file says so', async () => {
  await using it = await line(
    'jobs:\n  a: { concurrency: { limit: 1, superseded: cancel_waiting }, run: say a }\n',
  )
  await it.push()
  await it.claim()
  await it.push()
  await it.push()
  expect(stands(await it.runs())).toEqual(['running', 'cancelled', 'held'])
  expect((await it.runs())[1]!.cancel).toBe('superseded by run 3')
})

test('where it is to cancel what runs, a running one is asked to end and its place is free after that', async () => {
  await using it = await line(
    'jobs:\n  a: { concurrency: { limit: 1, superseded: cancel_running }, run: say a }\n',
  )
  await it.push()
  await it.claim()
  await it.push()
  const [old] = await it.runs()
  expect(old).toMatchObject({ state: 'running', cancel: 'superseded by run 2' })
  expect(stands(await it.runs())).toEqual(['running', 'held'])
  await it.endRun(old!.id, 'cancel')
  expect(stands(await it.runs())).toEqual(['cancelled', 'queued'])
})

test('main never cancels what runs unless it is told to', async () => {
  await using it = await line('jobs:\n  a: { run: say a }\n')
  await it.push()
  await it.claim()
  await it.push()
  expect((await it.runs()).map(({ state, cancel }) => [state, cancel])).toEqual([
    ['running', null],
    ['queued', null],
  ])
})

test('a `chrono` job starts in the order of its triggers, and not beside a neighbour', async () => {
  await using it = await line(
    'jobs:\n  build: { run: say build }\n  deploy: { needs: build, start: chrono, run: say deploy }\n',
  )
  await it.push()
  await it.end('build', 'succeed')
  expect(stands(await it.runs('deploy'))).toEqual(['queued'])
  await it.push()
  expect((await it.claim())?.job).toBe('deploy')
  await it.end('build', 'succeed')
  expect(stands(await it.runs('deploy'))).toEqual(['running', 'held'])
  await it.push()
  expect((await it.claim())?.job).toBe('build')
  await it.end('deploy', 'succeed', 0)
  expect(stands(await it.runs('deploy'))).toEqual(['succeeded', 'held'])
  await it.end('build', 'succeed')
  expect(stands(await it.runs('deploy'))).toEqual(['succeeded', 'queued', 'held'])
})

test('a `chrono` run that was let on stands aside for a neighbour that started first', async () => {
  await using it = await line(
    'jobs:\n  build: { priority: 9, run: say build }\n  deploy: { needs: build, start: chrono, run: say deploy }\n',
  )
  await it.push()
  await it.end('build', 'succeed')
  await it.push()
  expect((await it.claim())?.job).toBe('build')
  expect(await it.claim()).toBeNull()
  expect(stands(await it.runs('deploy'))).toEqual(['held'])
  await it.end('build', 'succeed')
  expect((await it.claim())?.job).toBe('deploy')
})

test('the legs of a matrix run as many at a time as it says, and end as one', async () => {
  await using it = await line(
    `jobs:
  test: { matrix: { os: [a, b, c], max_parallel: 2 }, run: say x }
  ship: { needs: test, run: say ship }
`,
  )
  const sha = await it.push()
  expect(stands(await it.runs('test'))).toEqual(['queued', 'queued', 'held'])
  await it.end('test', 'succeed', 0)
  expect(stands(await it.runs('test'))).toEqual(['succeeded', 'queued', 'queued'])
  await it.end('test', 'succeed', 1)
  expect(await it.runs('ship')).toEqual([])
  await it.end('test', 'succeed', 2)
  expect(await it.runs('ship')).toMatchObject([{ state: 'queued', inputs: [`src ${sha}`] }])
  expect((await it.runs('test')).map((run) => run.matrix)).toEqual([{ os: 'a' }, { os: 'b' }, { os: 'c' }])
})

test('`mode: sequential` runs one leg after the other', async () => {
  await using it = await line('jobs:\n  test: { matrix: { os: [a, b], mode: sequential }, run: say x }\n')
  await it.push()
  expect(stands(await it.runs())).toEqual(['queued', 'held'])
  await it.end('test', 'succeed', 0)
  expect(stands(await it.runs())).toEqual(['succeeded', 'queued'])
})

test('with `fail_fast` a leg that fails ends the others, and a retry of it ends the matrix anew', async () => {
  await using it = await line(
    `jobs:
  test: { matrix: { os: [a, b, c], fail_fast: true }, run: say x }
  ship: { needs: test, run: say ship }
`,
  )
  await it.push()
  await it.claim()
  await it.claim()
  const failed = await it.end('test', 'fail', 0)
  const [, running, waiting] = await it.runs('test')
  expect(waiting).toMatchObject({ state: 'cancelled', cancel: `run ${failed} (os a) of its matrix failed` })
  expect(running).toMatchObject({ state: 'running', cancel: waiting!.cancel })
  await it.endRun(running!.id, 'cancel')
  const { house } = it
  for (const run of await it.runs('test')) await retryRun(house.db, run.id, ANN)
  expect(await it.runs('ship')).toEqual([])
  const all = await it.runs('test')
  expect(all.slice(3).map((run) => [run.state, run.matrix])).toEqual([
    ['queued', { os: 'a' }],
    ['queued', { os: 'b' }],
    ['queued', { os: 'c' }],
  ])
  for (const run of all.slice(3)) await it.endRun(run.id, 'succeed')
  expect(await it.runs('ship')).toHaveLength(1)
})

test('a retried leg is not ended because of another that failed before it', async () => {
  await using it = await line('jobs:\n  a: { matrix: { v: ["1", "2"], fail_fast: true }, run: say a }\n')
  await it.push()
  const [one, two] = await it.runs()
  await it.claim()
  await it.claim()
  await it.endRun(one!.id, 'fail')
  await it.endRun(two!.id, 'fail')
  const again = await retryRun(it.house.db, one!.id, ANN)
  await sql`update dirty_jobs set requested = requested + 1`.execute(it.house.db)
  await it.quiet()
  expect((await it.runs()).find((run) => run.id === again)).toMatchObject({ state: 'queued', cancel: null })
})

test('a matrix that was passed through and is run again has all its legs', async () => {
  await using it = await line('jobs:\n  a: { paths: ["x/**"], matrix: { v: ["1", "2"] }, run: say a }\n')
  await it.push({ 'x/y': '1' })
  await it.push()
  const passed = (await it.runs()).at(-1)!
  expect(passed).toMatchObject({ state: 'skipped', matrix: null })
  await retryRun(it.house.db, passed.id, ANN)
  expect((await it.runs()).slice(-2)).toMatchObject([
    { state: 'queued', matrix: { v: '1' }, inputs: passed.inputs },
    { state: 'queued', matrix: { v: '2' }, inputs: passed.inputs },
  ])
})
