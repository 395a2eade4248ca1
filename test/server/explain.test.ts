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

type Action = readonly [what: string, which: number]
const JOBS = ['build', 'lint', 'test', 'docs', 'both', 'every', 'late', 'audit', 'eager', 'order']
const actions = fc.array(
  fc.tuple(
    fc.constantFrom(
      'push',
      'push',
      'end',
      'end',
      'end',
      'end',
      'end',
      'fail',
      'retry',
      'newest',
      'pin',
      'unpin',
      'start',
      'disable',
    ),
    fc.nat(99),
  ),
  { minLength: 25, maxLength: 40 },
)

/** Some run or version, chosen by a number; nothing happens where there is none. */
async function act(it: Line, shas: string[], [what, which]: Action): Promise<void> {
  const runs = await it.runs()
  const open = runs.filter(({ state }) => state === 'queued')
  const over = runs.filter(({ state }) => state === 'succeeded' || state === 'failed')
  const [run, ended] = [open[which % open.length], over[which % over.length]]
  const sha = shas[which % shas.length]
  const ask = (request: string, body?: object) => it.house.ask(`${request}`, body)
  if (what === 'push') shas.push(await it.push(which % 2 ? { 'docs/a.md': String(which) } : {}))
  else if (what === 'end' && run) await it.endRun(run.id, 'succeed')
  else if (what === 'fail' && run) await it.endRun(run.id, 'fail')
  else if (what === 'retry' && ended) await ask(`POST /api/v1/runs/${ended.id}/retry`)
  else if (what === 'newest' && ended) await ask(`POST /api/v1/runs/${ended.id}/retry`, { with: 'newest' })
  else if (what === 'pin') await ask(`PUT ${LINE}/resources/src/pin`, { version: sha, reason: 'x' })
  else if (what === 'unpin') await ask(`DELETE ${LINE}/resources/src/pin`)
  else if (what === 'disable')
    await ask(`POST ${LINE}/resources/src/versions/${sha}/disable`, { reason: 'x' })
  else if (what === 'start')
    await ask(
      `POST ${LINE}/jobs/${JOBS[which % JOBS.length]}/runs`,
      which % 2 ? { versions: { src: sha } } : {},
    )
}

test('whatever happens to a line, each of its runs is decided the same way again', async () => {
  await fc.assert(
    fc.asyncProperty(actions, async (all) => {
      await using it = await line(FILE)
      const shas = [await it.push()]
      for (const action of all) await act(it, shas, action)
      const told = await explained(it)
      expect(told.length).toBeGreaterThan(3)
      expect(surprises(told)).toEqual([])
    }),
    { numRuns: 3, endOnFailure: true },
  )
}, 180_000)
