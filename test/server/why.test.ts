import { describe, expect, test } from 'vitest'
import { steeredLine as line } from '../support/steer.ts'

const CHAIN = `jobs:
  build: { run: x }
  test: { needs: build, run: x, matrix: { node: [20, 22] } }
`
const LINE = '/api/v1/projects/shop/pipelines/main'
type Line = Awaited<ReturnType<typeof line>>

describe('why a job does not run is told', () => {
  const why = async (it: Line, job: string) => (await it.house.ask(`GET ${LINE}/jobs/${job}/why`)).body

  test('while a needed job runs, and when it has failed', async () => {
    await using it = await line(CHAIN)
    const sha = await it.push()
    await it.claim()
    expect((await why(it, 'test')).waits).toEqual([`waits for build on ${sha}, which is running`])
    await it.end('build', 'fail')
    expect((await why(it, 'test')).waits).toEqual([
      `build on ${sha} failed: retry it, or push a commit that passes`,
    ])
    expect((await why(it, 'build')).waits).toEqual([])
  })

  test('while it is paused, and what was passed over meanwhile', async () => {
    await using it = await line(CHAIN)
    await it.push()
    const paused = await it.house.ask(`POST ${LINE}/jobs/test/pause`, { reason: 'a fair' })
    expect(paused.body).toMatchObject({ job: 'test', paused: { by: 'admin', reason: 'a fair' } })
    const build = await it.end('build', 'succeed')
    await it.quiet()
    const told = await why(it, 'test')
    expect(told).toMatchObject({
      job: 'test',
      lane: 'main',
      paused: { reason: 'a fair' },
      held: [],
      gathered: [],
    })
    expect(told.waits[0]).toBe('paused by admin: a fair')
    expect(told.triggers).toMatchObject([
      {
        kind: 'ending',
        edge: 'build',
        from_run: build,
        version: null,
        fate: 'no-run',
        reason: 'paused by admin: a fair',
      },
    ])
    const resumed = await it.house.ask(`POST ${LINE}/jobs/test/resume`)
    expect(resumed.body).toEqual({ job: 'test', paused: null })
    const [first] = await it.runs('test')
    expect((await why(it, 'test')).triggers[0]).toMatchObject({
      kind: 'changed',
      fate: 'run',
      run: first!.id,
    })
  })

  test('by its held runs, each with what it waits for, also beside the run', async () => {
    await using it = await line(`jobs: { build: { run: x, concurrency: { group: deploy, limit: 1 } } }`)
    await it.push()
    await it.push()
    const [, second] = await it.runs('build')
    const { held } = await why(it, 'build')
    expect(held).toEqual([{ run: second!.id, reason: 'waits for its turn in `deploy`, one at a time' }])
    const { body } = await it.house.ask(`GET /api/v1/runs/${second!.id}`)
    expect(body.held).toBe(held[0].reason)
  })

  test('by the twenty newest triggers', async () => {
    await using it = await line('jobs: { build: { run: x } }')
    for (let push = 0; push < 22; push++) await it.push()
    const { triggers } = await why(it, 'build')
    expect(triggers).toHaveLength(20)
    expect(triggers.map(({ id }: { id: number }) => id)).toEqual(
      triggers.map(({ id }: { id: number }) => id).toSorted((a: number, b: number) => b - a),
    )
  })
})

test('a run knows what it came of and what came of it, need by need', async () => {
  await using it = await line(`jobs:
  build: { run: x }
  lint: { needs: build, run: x }
  ship: { needs: [build, lint], run: x }
`)
  await it.push()
  const build = await it.end('build', 'succeed')
  const lint = await it.end('lint', 'succeed')
  const [ship] = await it.runs('ship')
  const run = async (id: number) => (await it.house.ask(`GET /api/v1/runs/${id}`)).body
  expect((await run(ship!.id)).upstream).toEqual([
    { job: 'build', run: build, inputs: ['src'] },
    { job: 'lint', run: lint, inputs: ['src'] },
  ])
  expect((await run(build)).upstream).toEqual([])
  expect((await run(build)).downstream).toEqual([lint, ship!.id])
  expect((await run(lint)).downstream).toEqual([ship!.id])
})

test('a job that is passed through says why beside its run, and that is no error', async () => {
  await using it = await line("jobs: { build: { run: x, paths: ['src/**'] } }")
  await it.push()
  await it.push({ 'docs/a.md': 'x' })
  const skipped = (await it.runs('build')).at(-1)!
  const { body } = await it.house.ask(`GET /api/v1/runs/${skipped.id}`)
  expect(body).toMatchObject({ state: 'skipped', error: null, skip: 'nothing in `src/**` changed' })
})
