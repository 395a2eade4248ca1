import { expect, test } from 'vitest'
import { openGates } from '../../server/gates/open.ts'
import { steeredLine as line } from '../support/steer.ts'

const CHAIN = 'jobs:\n  build: { run: say built }\n  test: { needs: build, run: say green }\n'
const LINE = '/api/v1/projects/shop/pipelines/main'
const WORDS = 'paused by admin, the whole pipeline: the cluster moves'
type Line = Awaited<ReturnType<typeof line>>
const pause = (it: Line, at = '') => it.house.ask(`POST ${LINE}${at}/pause`, { reason: 'the cluster moves' })
const resume = (it: Line, at = '') => it.house.ask(`POST ${LINE}${at}/resume`)
const waiting = async (it: Line) =>
  (await it.house.ask(`GET ${LINE}`)).body.jobs.map((job: { waiting: string | null }) => job.waiting)

test('in a paused pipeline what is queued waits, says why, and starts when it goes on', async () => {
  await using it = await line(CHAIN)
  await it.push()
  expect((await pause(it)).body).toMatchObject({
    ...{ project: 'shop', pipeline: 'main' },
    paused: { by: 'admin', reason: 'the cluster moves' },
  })
  expect(await it.claim()).toBeNull()
  const [run] = (await it.house.ask('GET /api/v1/runs')).body.items
  expect(run).toMatchObject({ job: 'build', state: 'queued', held: WORDS })
  expect(await waiting(it)).toEqual([WORDS, WORDS])
  expect((await resume(it)).body.paused).toBeNull()
  expect((await resume(it)).status).toBe(200)
  expect(await it.claim()).toMatchObject({ id: run.id, job: 'build' })
})

test('what comes meanwhile is lost by nobody: the jobs look again when the pipeline goes on', async () => {
  await using it = await line(CHAIN)
  const first = await it.push()
  await pause(it)
  await it.end('build', 'succeed')
  const second = await it.push()
  expect((await it.triggers('test')).map(({ fate, reason }) => [fate, reason])).toEqual([['no-run', WORDS]])
  expect((await it.runs()).map((one) => one.job)).toEqual(['build'])
  await it.house.restart()
  expect(await it.claim()).toBeNull()
  await resume(it)
  expect((await it.runs('test')).map((one) => one.inputs)).toEqual([[`src ${first}`]])
  expect((await it.runs('build')).map((one) => one.inputs)).toEqual([[`src ${first}`], [`src ${second}`]])
})

test('a job that is paused by itself stays so when its pipeline goes on', async () => {
  await using it = await line(CHAIN)
  await it.push()
  await pause(it, '/jobs/build')
  await pause(it)
  await resume(it)
  await it.push()
  expect((await waiting(it))[0]).toBe('paused by admin: the cluster moves')
  expect(await it.runs('build')).toHaveLength(1)
  await resume(it, '/jobs/build')
  expect(await it.runs('build')).toHaveLength(2)
})

test('a job that begins with a gate does not ask anybody while its pipeline is paused', async () => {
  await using it = await line('jobs: { ask: { steps: [{ approve: {} }, { run: say yes }] } }\n')
  await it.push()
  await pause(it)
  expect((await it.house.ask(`POST ${LINE}/jobs/ask/runs`, {})).status).toBe(201)
  await openGates(it.house.db)
  expect((await it.runs('ask')).at(-1)?.state).toBe('queued')
  await resume(it)
  await openGates(it.house.db)
  expect((await it.runs('ask')).at(-1)?.state).toBe('waiting')
})

test('a pipeline is paused with a reason, and one that is not there not at all', async () => {
  await using it = await line(CHAIN)
  await it.push()
  for (const [at, said, status, code] of [
    [LINE, {}, 422, 'invalid-request'],
    [LINE, { reason: ' ' }, 422, 'invalid-request'],
    [LINE.replace('main', 'none'), { reason: 'x' }, 404, 'pipeline-not-found'],
  ] as const) {
    const answer = await it.house.ask(`POST ${at}/pause`, said)
    expect([answer.status, answer.body.code]).toEqual([status, code])
  }
  expect(await it.claim()).not.toBeNull()
})
