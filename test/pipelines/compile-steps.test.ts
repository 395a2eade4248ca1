import { describe, expect, test } from 'vitest'
import type { RunId } from '#pipelines/ids.ts'
import { parsePipeline } from '#pipelines/language/parse.ts'
import { compilePlan } from '#pipelines/plan/compile.ts'
import { allPlanSteps, HOOKS, Plan, type PlanStep } from '#pipelines/wire/plan.ts'

/** The plan of the one job of a file, its body given, on a commit of `main`. */
function compile(body: string): Plan {
  const text = `resources: { src: { git: . } }\njobs:\n  test:\n    get: src\n${body.replaceAll(/^/gm, '    ')}`
  const { pipeline, diagnostics } = parsePipeline(text)
  if (!pipeline) throw new Error(diagnostics.map((found) => found.message).join('\n'))
  const fields = { sha: 'a'.repeat(40), branch: 'main' }
  const checkout = { url: 'http://git/shop.git', credential: null, ref: 'refs/heads/main' }
  const plan = compilePlan({
    run: 7 as RunId,
    project: 'shop',
    pipeline: 'main',
    lane: 'main',
    kind: 'push',
    attempt: 1,
    job: pipeline.jobs[0]!,
    inputs: [{ resource: 'src', version: fields.sha, fields, checkout }],
    matrix: null,
    answers: null,
    given: null,
    known: pipeline,
    upstream: [],
    statesLeft: new Set(),
    unmeant: {},
    secrets: {},
    remotes: new Map(),
    holdMs: 0,
  })
  if ('impossible' in plan) throw new Error(plan.impossible)
  return Plan.parse(plan)
}

/** What a tree of steps looks like: numbers and names, members in brackets, hooks behind. */
const drawn = (steps: readonly PlanStep[]): string =>
  steps
    .map((step) => {
      const members = step.kind === 'group' ? `[${drawn(step.steps)}]` : ''
      const hooks = HOOKS.filter((hook) => step.hooks[hook].length > 0)
      return `${step.step} ${step.name}${members}${hooks.map((hook) => ` ${hook}(${drawn(step.hooks[hook])})`).join('')}`
    })
    .join(', ')

describe('the steps of a plan', () => {
  test('are numbered in the order of the file, groups before their members and hooks behind both', () => {
    const plan = compile(`steps:
  - { name: one, run: x, on_failure: y, always: [z] }
  - name: both
    parallel:
      - { name: a, run: x, always: y }
      - { name: b, run: x }
    on_cancel: { name: undo, run: x }
  - { name: last, run: x }
on_success: { name: hooray, run: x }
always: { name: tidy, parallel: [{ run: x }, { run: y }] }
services: { db: { image: "postgres:17" } }`)
    expect(drawn(plan.steps)).toBe(
      '1 one on_failure(2 run) always(3 run), 4 both[5 a always(6 run), 7 b] on_cancel(8 undo), 9 last',
    )
    expect(drawn(plan.hooks.on_success)).toBe('10 hooray')
    expect(drawn(plan.hooks.always)).toBe('11 tidy[12 run, 13 run]')
    expect([plan.services[0]!.step, plan.finish]).toEqual([14, 15])
    const all = allPlanSteps([...plan.steps, ...Object.values(plan.hooks).flat()]).map(({ step }) => step)
    expect(all.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
  })

  test('for each item are told of it by value and by variable, their own variables winning', () => {
    const plan = compile(`steps:
  - for_each:
      in: [pear, fig]
      as: fruit
      steps: [{ name: eat, run: x, image: "a:$(each.fruit)", env: { BOTH: "$(src.branch) $(each.fruit)" } }]`)
    const [group] = plan.steps
    expect(group).toMatchObject({ kind: 'group', name: 'for each', maxParallel: 1, failFast: true })
    expect(group!.kind === 'group' && group!.steps).toMatchObject([
      { name: 'eat (pear)', image: 'a:pear', env: { EACH_FRUIT: 'pear', BOTH: 'main pear' } },
      { name: 'eat (fig)', image: 'a:fig', env: { EACH_FRUIT: 'fig', BOTH: 'main fig' } },
    ])
  })

  test('for each item of several steps are a group of its own', () => {
    const plan = compile(`steps:
  - { for_each: { in: [pear], steps: [{ name: a, run: x }, { name: b, run: x }] }, mode: parallel }`)
    expect(drawn(plan.steps)).toBe('1 for each[2 pear[3 a, 4 b]]')
    const [group] = plan.steps
    expect(group).toMatchObject({
      maxParallel: null,
      steps: [{ env: { EACH_ITEM: 'pear' }, maxParallel: 1 }],
    })
  })

  test('whose condition does not hold say so, with what is inside them still numbered', () => {
    const plan = compile(`steps:
  - { if: $(src.branch) == "dev", parallel: [{ run: x }] }
  - { if: $(src.branch) == "main", run: y }`)
    expect(plan.steps.map(({ step, skip }) => [step, skip])).toEqual([
      [1, '`if: $(src.branch) == "dev"` does not hold'],
      [3, null],
    ])
  })

  test('keep their own time, tries and leave to fail', () => {
    const retry = 'retry: { max: 3, on: [failed, "exit:7"], backoff: exponential, delay: 2s }'
    const plan = compile(`steps: [{ run: x, timeout: 30s, allow_failure: true, ${retry} }]`)
    expect(plan.steps[0]).toMatchObject({
      timeoutMs: 30_000,
      allowFailure: true,
      retry: { max: 3, on: ['failed', 'exit:7'], backoff: 'exponential', delayMs: 2_000 },
    })
  })
})
