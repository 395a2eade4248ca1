import { describe, expect, test } from 'vitest'
import { steeredLine as line } from '../support/steer.ts'

const CHAIN = `triggers: { push: ['**'] }
jobs:
  build: { run: x }
  test: { needs: build, run: x, matrix: { node: [20, 22] } }
`
const LINE = '/api/v1/projects/shop/pipelines/main'
type Line = Awaited<ReturnType<typeof line>>

describe('the line', () => {
  const jobs = async (it: Line) => (await it.house.ask(`GET ${LINE}`)).body.jobs

  test('tells the newest run of every leg of its newest matrix, in the order of the file', async () => {
    await using it = await line(CHAIN)
    for (const _ of ['an older one', 'the newest']) {
      await it.push()
      await it.end('build', 'succeed')
    }
    await it.end('test', 'succeed', -1)
    const first = await it.end('test', 'fail', -2)
    const again = (await it.house.ask(`POST /api/v1/runs/${first}/retry`)).body.id
    await it.quiet()
    const [build, test] = await jobs(it)
    expect(build.legs).toEqual([])
    expect(test.legs).toMatchObject([
      { id: again, state: 'queued', matrix: { node: '20' } },
      { state: 'succeeded', matrix: { node: '22' }, allowed: false },
    ])
    expect(test.legs).toHaveLength(2)
  })

  test('tells what its jobs get, need and put', async () => {
    await using it = await line(`resources:
  src: { git: . }
  bundle: { files: {} }
jobs:
  build: { get: src, when: push, run: x, put: { bundle: { paths: [a] } } }
  test: { needs: build, get: { bundle: { trigger: false } }, run: x }
`)
    await it.push()
    expect(await jobs(it)).toMatchObject([
      { gets: [{ resource: 'src', trigger: true }], needs: [], puts: ['bundle'] },
      { gets: [{ resource: 'bundle', trigger: false }], needs: [{ job: 'build', trigger: true }], puts: [] },
    ])
  })

  test('tells what is green only because a failure is allowed, of a run or of a step of it', async () => {
    await using it = await line(`jobs:
  odd: { run: x, allow_failure: true }
  plain: { run: x }
  partly: { steps: [{ name: audit, run: x, allow_failure: true }, { run: y }] }
`)
    await it.push()
    const partly = await it.end('partly', 'succeed')
    for (const job of ['odd', 'plain']) await it.end(job, 'fail')
    const told = async () =>
      (await jobs(it)).map(({ last_run }: { last_run: { allowed: boolean } }) => last_run.allowed)
    expect(await told()).toEqual([true, false, false])
    await it.house.db
      .insertInto('steps')
      .values({ run_id: partly, attempt: 1, step: 1, name: 'audit', state: 'failed', allowed: true })
      .execute()
    expect(await told()).toEqual([true, false, true])
  })

  test('tells what its resources are pinned to, by whom and why, on the lane where that holds', async () => {
    await using it = await line(CHAIN)
    const first = await it.push()
    await it.push()
    await it.push({}, 'next')
    const pinned = async (lane: string) =>
      (await it.house.ask(`GET ${LINE}?lane=${lane}`)).body.resources.map(
        (one: { pinned: unknown }) => one.pinned,
      )
    expect(await pinned('main')).toEqual([null])
    const pin = { version: first, lane: 'main', reason: 'it works' }
    expect((await it.house.ask(`PUT ${LINE}/resources/src/pin`, pin)).status).toBe(200)
    expect(await pinned('main')).toMatchObject([
      { version: expect.stringMatching(`^${first}`), by: 'admin', reason: 'it works' },
    ])
    expect(await pinned('next')).toEqual([null])
    await it.house.ask(`DELETE ${LINE}/resources/src/pin?lane=main`)
    expect(await pinned('main')).toEqual([null])
  })
})
