import { expect, test } from 'vitest'
import { type House, startHouse } from '../support/server.ts'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { until } from '../support/until.ts'

const CHAIN = 'jobs:\n  build: { run: say built }\n  test: { needs: build, run: [say one, say two] }\n'
const DIAMOND = `jobs:
  build: { run: say built }
  lint: { needs: build, run: say clean }
  test: { needs: build, run: say green }
  ship: { needs: [lint, test], run: say shipped }
`
const runs = async (house: House, query = '') =>
  (await house.ask(`GET /api/v1/runs?limit=200${query}`)).body.items.toReversed()
const told = (items: { job: string; state: string }[]) => items.map(({ job, state }) => `${job} ${state}`)
const settled = (house: House, count: number) =>
  until(async () => {
    const all = await runs(house)
    return all.length === count && all.every((run: { ended_at: string | null }) => run.ended_at) && all
  })

test('a push runs two jobs in a row, on the very commit', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  const sha = await clone.push({ '.takt.yml': CHAIN }, { message: 'Begin\n\nwith a body' })

  const all = await settled(house, 2)
  expect(told(all)).toEqual(['build succeeded', 'test succeeded'])
  expect(all[1]).toMatchObject({
    project: 'shop',
    pipeline: 'main',
    lane: 'main',
    reason: `build passed src ${sha.slice(0, 7)}`,
    inputs: [
      {
        resource: 'src',
        version: sha,
        title: 'Begin',
        author: 'Ann',
        ref: 'refs/heads/main',
        from_run: all[0].id,
      },
    ],
  })
  const { body: run } = await house.ask(`GET /api/v1/runs/${all[1].id}`)
  expect(run.steps.map((step: { name: string; state: string }) => [step.name, step.state])).toEqual([
    ['prepare', 'succeeded'],
    ['run', 'succeeded'],
  ])
  expect(run.steps[1].commands).toMatchObject([
    { text: 'say one', state: 'succeeded', exit_code: 0, first_line: 0 },
    { text: 'say two', state: 'succeeded', exit_code: 0, first_line: 1 },
  ])
  expect((await house.ask(`GET /api/v1/runs/${run.id}/log`)).text).toMatch(/one\ntwo\n$/)
})

test('a diamond runs its end once per commit', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house, { slots: 4 })
  const shas: string[] = []
  for (let commit = 0; commit < 3; commit++)
    shas.push(await clone.push({ '.takt.yml': DIAMOND, count: String(commit) }))

  const all = await until(async () => {
    const items = await runs(house)
    return (
      items.filter((run: { job: string; state: string }) => run.job === 'ship' && run.state === 'succeeded')
        .length === 3 && items
    )
  })
  for (const job of ['build', 'lint', 'test', 'ship']) {
    const versions = all
      .filter((run: { job: string }) => run.job === job)
      .map((run: { inputs: { version: string }[] }) => run.inputs[0]!.version)
    expect([job, ...versions]).toEqual([job, ...shas])
  }
})

test('what fails stops the line, and the reason is there to read', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  const sha = await clone.push({
    '.takt.yml':
      'jobs:\n  build: { run: [say hello, fail 3, say never] }\n  test: { needs: build, run: say x }\n',
  })

  const [build] = await settled(house, 1)
  expect(build).toMatchObject({ job: 'build', state: 'failed', error: null })
  const { body: run } = await house.ask(`GET /api/v1/runs/${build.id}`)
  expect(run.steps[1]).toMatchObject({
    state: 'failed',
    exit_code: 3,
    commands: [
      { state: 'succeeded' },
      { state: 'failed', exit_code: 3 },
      { state: 'skipped', exit_code: null },
    ],
  })
  const view = await until(async () => {
    const { body } = await house.ask('GET /api/v1/projects/shop/pipelines/main')
    return body.jobs[1].waiting?.includes('failed') && body
  })
  expect(view.jobs[1]).toMatchObject({
    name: 'test',
    last_run: null,
    waiting: `build on ${sha.slice(0, 7)} failed: retry it, or push a commit that passes`,
  })
})

test('what breaks is errored, with a code and words, and is not the author’s', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  await clone.push({ '.takt.yml': 'jobs:\n  build: { run: break }\n' })
  const [build] = await settled(house, 1)
  expect(build).toMatchObject({
    state: 'errored',
    error: { code: expect.any(String), message: expect.stringMatching(/\w+ \w+/) },
  })
})

test('a retry runs the same inputs again and wakes what waited', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const sha = await clone.push({ '.takt.yml': CHAIN })
  const [queued] = await until(async () => (await runs(house)).length === 1 && runs(house))
  await house.ask(`POST /api/v1/runs/${queued.id}/cancel`, { reason: 'not now' })
  await clone.push({ '.takt.yml': 'jobs:\n  build: { run: fail 1 }\n  test: { needs: build, run: say x }\n' })
  await using _runner = await startRunner(house)
  await settled(house, 2)

  const { status, body: retry } = await house.ask(`POST /api/v1/runs/${queued.id}/retry`)
  expect(status).toBe(201)
  expect(retry).toMatchObject({
    job: 'build',
    retry_of: queued.id,
    reason: 'retry of #1 by admin',
    inputs: [{ version: sha }],
  })
  const all = await settled(house, 4)
  expect(told(all)).toEqual(['build cancelled', 'build failed', 'build succeeded', 'test succeeded'])
  expect(all[3].inputs).toMatchObject([{ version: sha, from_run: retry.id }])
})

test('a running run is cancelled by its runner, its last words kept', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  await clone.push({
    '.takt.yml': 'jobs:\n  build: { run: [say begun, hang] }\n  test: { needs: build, run: say x }\n',
  })
  const run = await until(async () => {
    const { body } = await house.ask('GET /api/v1/runs/1')
    return body.steps?.[1]?.commands[1].state === 'running' && body
  })
  expect((await house.ask(`POST /api/v1/runs/${run.id}/cancel`, {})).body).toMatchObject({
    state: 'running',
    cancel_requested: true,
  })
  const [ended] = await settled(house, 1)
  expect(ended).toMatchObject({
    state: 'cancelled',
    error: { code: 'cancelled', message: 'cancelled by admin' },
  })
  expect((await house.ask(`GET /api/v1/runs/${run.id}/log`)).text).toContain('begun\n')
  expect((await house.ask(`POST /api/v1/runs/${run.id}/cancel`)).body).toMatchObject({
    status: 409,
    code: 'illegal-move',
  })
})

test('a job is started by hand on the newest agreed inputs', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const early = await house.ask('POST /api/v1/projects/shop/pipelines/main/jobs/test/runs', {})
  expect(early.body).toMatchObject({ status: 404, code: 'pipeline-not-found' })
  await clone.push({ '.takt.yml': CHAIN })
  await until(async () => (await runs(house)).length === 1)
  const soon = await house.ask('POST /api/v1/projects/shop/pipelines/main/jobs/test/runs', {})
  expect(soon.body).toMatchObject({
    status: 409,
    code: 'no-input',
    detail: expect.stringContaining('which is queued'),
  })
  await using _runner = await startRunner(house)
  await settled(house, 2)
  const started = await house.ask('POST /api/v1/projects/shop/pipelines/main/jobs/test/runs', {})
  expect(started).toMatchObject({ status: 201, body: { job: 'test', number: 2, reason: 'started by admin' } })
  await settled(house, 3)
})

test('branches are lanes of their own, and a deleted branch closes its lane', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  await clone.push({ '.takt.yml': CHAIN })
  await clone.push({ extra: '1' }, { branch: 'feature/x' })
  const all = await settled(house, 4)
  expect(new Set(all.map((run: { lane: string }) => run.lane))).toEqual(new Set(['main', 'feature/x']))
  await clone.git('push', '-q', 'origin', ':feature/x')
  const lanes = await until(async () => {
    const { body } = await house.ask('GET /api/v1/projects/shop/pipelines/main')
    return body.lanes.some((lane: { closed: boolean }) => lane.closed) && body.lanes
  })
  expect(lanes.find((lane: { closed: boolean }) => lane.closed).name).toBe('feature/x')
})

test('a broken file leaves the last good one running and shows what is wrong where', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  await clone.push({ '.takt.yml': CHAIN })
  await settled(house, 2)
  const sha = await clone.push({ '.takt.yml': CHAIN.replace('needs', 'neds') })
  const all = await settled(house, 4)
  expect(all[3]).toMatchObject({ job: 'test', state: 'succeeded', inputs: [{ version: sha }] })
  const { body } = await house.ask('GET /api/v1/projects/shop/pipelines/main')
  expect(body.revision.valid).toBe(true)
  expect(body.newest_revision).toMatchObject({
    sha,
    valid: false,
    diagnostics: [
      {
        rule: 'unknown-key',
        line: 3,
        column: 11,
        message: 'unknown key `neds`',
        hint: 'did you mean `needs`?',
      },
    ],
  })
  const { body: deliveries } = await house.ask('GET /api/v1/deliveries')
  expect(deliveries.items[0].reason).toContain(
    '.takt.yml:3:11: unknown key `neds`; the last good file stays in force',
  )
})

test('several files are several pipelines', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  await clone.push({
    '.takt.yml': 'jobs: { a: { run: say a } }',
    '.takt/nightly.yml': 'jobs: { b: { run: say b } }',
    '.takt/notes.md': 'no pipeline',
  })
  const all = await settled(house, 2)
  expect(
    all.map((run: { pipeline: string; job: string }) => `${run.pipeline}/${run.job}`).toSorted(),
  ).toEqual(['main/a', 'nightly/b'])
})
