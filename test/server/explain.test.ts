import fc from 'fast-check'
import { expect, test } from 'vitest'
import { steeredLine as line } from '../support/steer.ts'

/** Every start mode, a fan-in, a loose edge, a matrix, a filter. */
const FILE = `jobs:
  build: { run: x }
  lint: { needs: build, run: x }
  test: { needs: build, run: x, matrix: { node: [20, 22] } }
  docs: { run: x, paths: ['docs/**'] }
  both: { needs: [lint, test], run: x }
  every: { get: { src: { version: every } }, run: x }
  late: { needs: both, run: x, start: strict }
  audit: { needs: { both: {}, docs: { versions: any } }, run: x }
  eager: { needs: build, run: x, start: immediate }
  order: { needs: lint, run: x, start: chrono }
`
const LINE = '/api/v1/projects/shop/pipelines/main'
type Line = Awaited<ReturnType<typeof line>>
type Told = { run: number; how: string; same: boolean; decided: object; replay: object[] }

async function explained(it: Line): Promise<Told[]> {
  const told: Told[] = []
  for (const { id } of await it.runs()) told.push((await it.house.ask(`GET /api/v1/runs/${id}/explain`)).body)
  return told
}
const surprises = (told: readonly Told[]) => told.filter(({ same }) => !same)

test('every run of a line is decided again from the facts of its moment, and comes out the same', async () => {
  await using it = await line(FILE)
  const first = await it.push()
  await it.push({ 'docs/a.md': 'x' })
  for (const job of ['build', 'lint']) await it.end(job, 'succeed', 0)
  for (const { id } of await it.runs('test')) await it.endRun(id, 'succeed')
  for (const job of ['build', 'lint']) await it.end(job, 'succeed', 1)
  const failed = await it.end('both', 'fail')
  await it.house.ask(`POST /api/v1/runs/${failed}/retry`)
  await it.end('both', 'succeed')
  await it.house.ask(`PUT ${LINE}/resources/src/pin`, { version: first, reason: 'a fair' })
  await it.push()
  await it.house.ask(`DELETE ${LINE}/resources/src/pin`)
  await it.house.ask(`POST ${LINE}/jobs/build/runs`, { versions: { src: first } })
  await it.house.ask(`POST ${LINE}/jobs/lint/runs`)
  const told = await explained(it)
  expect(surprises(told)).toEqual([])
  expect(new Set(told.map(({ how }) => how))).toEqual(new Set(['planned', 'by hand', 'again']))
  expect(told.some(({ decided }) => 'skip' in decided && decided.skip !== null)).toBe(true)
})

test('a run whose facts ask for something else now is told so', async () => {
  await using it = await line('jobs: { build: { run: x } }')
  await it.push()
  const [run] = await it.runs()
  const { body } = await it.house.ask(`GET /api/v1/runs/${run!.id}/explain`)
  expect(body).toMatchObject({ how: 'planned', same: true, facts: { job: { name: 'build' } } })
  expect(body.replay).toEqual([body.decided])
  await it.house.db.updateTable('runs').set({ reason: 'another one' }).execute()
  expect((await it.house.ask(`GET /api/v1/runs/${run!.id}/explain`)).body.same).toBe(false)
  await it.house.db.deleteFrom('run_facts').execute()
  expect((await it.house.ask(`GET /api/v1/runs/${run!.id}/explain`)).body).toMatchObject({
    ...{ how: 'unrecorded', same: false, facts: null, replay: [] },
  })
})

const JOBS = ['build', 'lint', 'test', 'docs', 'both', 'every', 'late', 'audit', 'eager', 'order']
const PIN = `${LINE}/resources/src/pin`
const jobAt = (which: number) => `${LINE}/jobs/${JOBS[which % JOBS.length]}`

/** What may happen to a line: to some run or version, chosen by a number; nothing where there is none. */
const ACTS: Record<string, (it: Line, shas: string[], which: number) => Promise<unknown>> = {
  push: async (it, shas, which) => shas.push(await it.push(which % 2 ? { 'docs/a.md': String(which) } : {})),
  branch: (it, _, which) => it.push({}, `feature-${which % 2}`),
  succeed: (it, _, which) => endSome(it, which, 'succeed'),
  fail: (it, _, which) => endSome(it, which, 'fail'),
  retry: (it, _, which) => again(it, which, {}),
  newest: (it, _, which) => again(it, which, { with: 'newest' }),
  pin: (it, shas, which) => it.house.ask(`PUT ${PIN}`, { version: some(shas, which), reason: 'x' }),
  unpin: (it) => it.house.ask(`DELETE ${PIN}`),
  disable: (it, shas, which) =>
    it.house.ask(`POST ${LINE}/resources/src/versions/${some(shas, which)}/disable`, { reason: 'x' }),
  pause: (it, _, which) => it.house.ask(`POST ${jobAt(which)}/pause`, { reason: 'x' }),
  resume: (it, _, which) => it.house.ask(`POST ${jobAt(which)}/resume`),
  start: (it, shas, which) =>
    it.house.ask(`POST ${jobAt(which)}/runs`, which % 2 ? { versions: { src: some(shas, which) } } : {}),
}

const some = <T>(all: readonly T[], which: number) => all[which % all.length]

async function endSome(it: Line, which: number, move: 'succeed' | 'fail') {
  const run = some(
    (await it.runs()).filter(({ state }) => state === 'queued'),
    which,
  )
  if (run) await it.endRun(run.id, move)
}

async function again(it: Line, which: number, body: object) {
  const run = some(
    (await it.runs()).filter(({ state }) => state === 'succeeded' || state === 'failed'),
    which,
  )
  if (run) await it.house.ask(`POST /api/v1/runs/${run.id}/retry`, body)
}

const OFTEN = ['push', 'push', 'succeed', 'succeed', 'succeed', 'succeed', 'succeed', 'succeed']
const actions = fc.array(fc.tuple(fc.constantFrom(...OFTEN, ...Object.keys(ACTS)), fc.nat(99)), {
  minLength: 25,
  maxLength: 40,
})

test('whatever happens to a line, its runs are decided the same way again, and every trigger has its fate', async () => {
  await fc.assert(
    fc.asyncProperty(actions, async (all) => {
      await using it = await line(FILE)
      const shas = [await it.push()]
      for (const [what, which] of all) await ACTS[what]!(it, shas, which)
      const told = await explained(it)
      expect(told.length).toBeGreaterThan(3)
      expect(surprises(told)).toEqual([])
      for (const job of JOBS)
        for (const { fate, reason } of await it.triggers(job))
          expect(fate === 'run' || ((fate === 'no-run' || fate === 'gathered') && reason)).toBeTruthy()
    }),
    { numRuns: 3, endOnFailure: true },
  )
}, 180_000)

test('facts that another version of the planner kept are not misread: it is said so', async () => {
  await using it = await line('jobs: { build: { run: x } }')
  await it.push()
  const [run] = await it.runs()
  await it.house.db.updateTable('run_facts').set({ facts: '{"job": 7}', dialect: 0 }).execute()
  const { status, body } = await it.house.ask(`GET /api/v1/runs/${run!.id}/explain`)
  expect({ status, type: body.type }).toEqual({ status: 409, type: '/problems/other-dialect' })
  expect(body.detail).toContain(run!.reason)
})
