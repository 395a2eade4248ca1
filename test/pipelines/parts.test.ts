import { describe, expect, test } from 'vitest'
import type { RunId } from '#pipelines/ids.ts'
import { parseForRunning } from '#pipelines/language/parse.ts'
import { compilePlan } from '#pipelines/plan/compile.ts'
import type { GoesOn } from '#pipelines/plan/compile-facts.ts'
import { hasLastWords, isAllGates, nextGate, partAt } from '#pipelines/plan/parts.ts'
import { stepRows } from '#pipelines/plan/step-rows.ts'
import { ArchiveGuard, ARCHIVE_BOUNDS } from '#pipelines/wire/archive.ts'
import { Plan } from '#pipelines/wire/plan.ts'

function jobOf(body: string) {
  const { pipeline, diagnostics } = parseForRunning(`jobs: { test: { image: "b:1", ${body} } }`)
  const [job] = pipeline?.jobs ?? []
  if (!pipeline || !job) throw new Error(diagnostics.map((found) => found.message).join('\n'))
  return { pipeline, job }
}

const FIVE =
  'steps: [{ wait: 1m }, { run: a }, { checkpoint: c }, { approve: true }, { wait: 1m }, { run: b }]'

describe('the parts of a job', () => {
  test('reach from one gate to the next, and the last one to the end', () => {
    const { job } = jobOf(FIVE)
    const drawn = (position: number) => {
      const { steps, gate } = partAt(job, position)
      return [steps.map(({ kind }) => kind), gate]
    }
    expect(drawn(1)).toEqual([['run', 'checkpoint'], 3])
    expect(drawn(5)).toEqual([['run'], null])
    expect(drawn(6)).toEqual([[], null])
  })

  test.each([
    ['at its beginning', { from: 0, position: 0 }, 0],
    ['behind a gate, before commands', { from: 1, position: 1 }, null],
    ['at the first of two gates', { from: 3, position: 3 }, 3],
    ['between two gates', { from: 4, position: 4 }, 4],
    ['that begins at a checkpoint behind it: where people decide', { from: 0, position: 5 }, 3],
    ['that begins at a checkpoint, those decisions made', { from: 4, position: 5 }, null],
    ['that begins at a checkpoint right before it', { from: 0, position: 3 }, 3],
  ])('a run %s stands before the gate that it has to pass', (_where, at, gate) => {
    expect(nextGate(jobOf(FIVE).job, at)).toBe(gate)
  })

  test('are all gates where no step and no hook is a runner’s', () => {
    expect(isAllGates(jobOf('steps: [{ wait: 1m }, { approve: true }]').job)).toBe(true)
    expect(isAllGates(jobOf('steps: [{ wait: 1m }], always: x').job)).toBe(false)
    expect(isAllGates(jobOf(FIVE).job)).toBe(false)
  })

  test.each([
    ['run: x, on_failure: y', ['failed']],
    ['run: x, on_cancel: y', ['cancelled']],
    ['run: x, always: y', ['failed', 'errored', 'cancelled']],
    ['run: x, keep: dist', ['failed', 'errored']],
    ['run: x, on_success: y', []],
  ])('a run of `%s` has last words when it ends so at a gate: %j', (body, states) => {
    const all = ['failed', 'errored', 'cancelled'] as const
    expect(all.filter((state) => hasLastWords(jobOf(body).job, state))).toEqual(states)
  })
})

function compiled(body: string, goesOn: GoesOn | null): Plan {
  const { pipeline, job } = jobOf(body)
  const plan = compilePlan({
    ...{ run: 7 as RunId, project: 'shop', pipeline: 'main', lane: 'main', kind: 'push', attempt: 1, job },
    ...{ inputs: [], matrix: null, answers: { to: 'eu' }, given: null, known: pipeline, upstream: [] },
    ...{ statesLeft: new Set(), unmeant: {}, secrets: {}, remotes: new Map(), holdMs: 0, goesOn },
  })
  if ('impossible' in plan) throw new Error(plan.impossible)
  return Plan.parse(plan)
}

const RESUME = { carried: { fields: { A: '1' }, stateTouched: true, caches: [] }, outputs: { hash: 'abc' } }
const BODY =
  'timeout: 10m, steps: [{ run: a, env: { T: "$(input.later)" } }, { approve: { form: { to: text } } }, { run: b }, { approve: { form: { later: { text: {}, default: x } } } }], always: tidy, services: { db: "p:1" }'

describe('the plan of a part', () => {
  test('hands over before the gate; what nobody has filled in yet is what the form presets', () => {
    const plan = compiled(BODY, null)
    expect(plan).toMatchObject({ prepare: 0, resume: null, ending: null, handOver: { step: 2, position: 1 } })
    expect(plan.steps).toMatchObject([{ step: 1, env: { T: 'x' } }])
    expect(plan.env).toMatchObject({ INPUT_TO: 'eu', INPUT_LATER: 'x' })
  })

  test('goes on with its numbers, its content and its time where the part before stopped', () => {
    const goesOn = { position: 2, first: 6, resume: RESUME, ranMs: 60_000, ending: null }
    const plan = compiled(BODY, goesOn)
    expect(plan).toMatchObject({
      prepare: 6,
      resume: RESUME,
      timeoutMs: 540_000,
      handOver: { step: 8, position: 3 },
    })
    expect(stepRows(plan).map(({ step, name }) => `${step} ${name}`)).toEqual([
      ...['6 prepare', '7 run', '8 hand over', '9 run', '10 db', '11 finish'],
    ])
  })

  test('of a run that ended at its gate has hooks and no steps', () => {
    const ending = { state: 'failed', error: { code: 'rejected', message: 'no' } } as const
    const plan = compiled(BODY, { position: 1, first: 6, resume: RESUME, ranMs: 9e9, ending })
    expect(plan).toMatchObject({ ending, steps: [], handOver: null, timeoutMs: 1 })
    expect(plan.hooks.always).toHaveLength(1)
  })
})

test('a workspace may hold links that lead anywhere, and nothing behind one', () => {
  const guard = new ArchiveGuard(ARCHIVE_BOUNDS.workspace)
  const link = (path: string, target: string) =>
    ({ path, kind: 'symlink', bytes: 0, mode: 0o777, target }) as const
  expect(guard.problem(link('work/a', '/etc'))).toBeNull()
  expect(guard.problem(link('work/b', '../../../x'))).toBeNull()
  expect(guard.problem(link('work/c', ''))).toContain('links to no path')
  const behind = { path: 'work/a/passwd', kind: 'file', bytes: 1, mode: 0o644, target: null } as const
  expect(guard.problem(behind)).toContain('lies behind the link "work/a"')
})
