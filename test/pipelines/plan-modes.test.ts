import { describe, expect, test } from 'vitest'
import { chooseByHand } from '#pipelines/plan/choose.ts'
import { factsOf } from '../support/tiny-facts.ts'
import { create, lookAround } from '../support/tiny-look.ts'
import { end, MAIN, push, retry, type TinyRun, type TinyWorld, tinyWorld } from '../support/tiny-world.ts'

/** Shippable's own example of its three modes: `x-1` has a red job before it, `x-2` two that are started by hand. */
const EXAMPLE = (mode: string) => `
triggers: { push: main }
resources:
  r1: { files: {} }
  a: { git: 'https://git.acme.io/a.git' }
  b: { git: 'https://git.acme.io/b.git' }
  c: { git: . }
jobs:
  job-1: { get: { c: { trigger: false } }, run: make }
  job-2: { get: { a: { trigger: false } }, run: make }
  job-3: { get: { b: { trigger: false } }, run: make }
  job-4: { get: { c: { trigger: false } }, run: make, put: r1 }
  x-1: { get: r1, needs: [job-1, job-2], start: ${mode}, run: make }
  x-2: { get: r1, needs: [job-2, job-3], start: ${mode}, run: make }
`

/** A person starts a job, and a runner takes it at once. */
function byHand(world: TinyWorld, job: string): TinyRun {
  const due = chooseByHand(factsOf(world, { job, lane: MAIN.name }), new Map())
  if ('problem' in due) throw new Error(due.problem)
  const run = create(world, { job, lane: MAIN.name }, due)
  run.state = 'running'
  return run
}

function finish(world: TinyWorld, run: TinyRun, how: Parameters<typeof end>[2] = 'succeeded'): void {
  end(world, run, how)
  lookAround(world)
}

/** What came of the triggers since the last time, job by job: runs with their number of triggers, or the reasons. */
function newsOf(world: TinyWorld, seen: Map<number, string>): string[] {
  const fates = world.triggers.map((trigger) => ({
    trigger,
    fate: trigger.fate === 'run' ? `run ${trigger.run}` : `${trigger.fate}: ${trigger.reason}`,
  }))
  const news = fates.filter(({ trigger, fate }) => seen.get(trigger.id) !== fate)
  for (const { trigger, fate } of news) seen.set(trigger.id, fate)
  const told = news.map(
    ({ trigger, fate }) => `${trigger.on.job} ${trigger.fate === 'run' ? fate.slice(0, 3) : fate}`,
  )
  return [...new Set(told)]
}

/** Everything has passed once but `job-1`, which is red; there is something new for `job-2` and `job-3`, which both run. */
function example(mode: string) {
  const world = tinyWorld(EXAMPLE(mode))
  const seen = new Map<number, string>()
  for (const name of ['a', 'b', 'c']) push(world, name)
  for (const name of ['job-4', 'job-2', 'job-3']) finish(world, byHand(world, name))
  for (const run of world.runs) if (run.state === 'queued') finish(world, run)
  finish(world, byHand(world, 'job-1'), 'failed')
  push(world, 'a')
  push(world, 'b')
  lookAround(world)
  newsOf(world, seen)
  return { world, seen, job2: byHand(world, 'job-2'), job3: byHand(world, 'job-3') }
}

const RED = 'x-1 no-run: job-1 failed: retry it, or push a commit that passes'

describe('the worked example', () => {
  test.each([
    { mode: 'chrono', first: [RED, 'x-2 run'], then: ['x-2 run'], runs: 2 },
    { mode: 'immediate', first: ['x-1 run', 'x-2 run'], then: ['x-2 run'], runs: 2 },
    {
      mode: 'strict',
      first: [RED, 'x-2 gathered: waits for job-3, which is running'],
      then: ['x-2 run'],
      runs: 1,
    },
  ])('$mode: as job-2 succeeds, and then job-3', ({ mode, first, then, runs }) => {
    const { world, seen, job2, job3 } = example(mode)
    const before = world.runs.filter(({ job }) => job === 'x-2').length
    finish(world, job2)
    expect(newsOf(world, seen)).toEqual(first)
    finish(world, job3)
    expect(newsOf(world, seen)).toEqual(then)
    expect(world.runs.filter(({ job }) => job === 'x-2')).toHaveLength(before + runs)
  })

  test('strict: one run holds all that was gathered', () => {
    const { world, job2, job3 } = example('strict')
    finish(world, job2)
    finish(world, job3)
    const run = world.runs.findLast(({ job }) => job === 'x-2')!
    expect(world.triggers.filter((trigger) => trigger.run === run.id)).toHaveLength(2)
    expect(run.reason).toBe('job-2 passed a v2, job-3 passed b v2')
  })

  test('strict, job-4 is still at work: its end is waited for, and what it put is taken', () => {
    const { world, seen, job2, job3 } = example('strict')
    const job4 = byHand(world, 'job-4')
    finish(world, job2)
    finish(world, job3)
    expect(newsOf(world, seen).at(-1)).toBe('x-2 gathered: waits for job-4, which is running')
    finish(world, job4)
    expect(newsOf(world, seen)).toContain('x-2 run')
    expect(world.runs.at(-1)!.inputs['r1']!.seq).toBe(20)
  })

  test('strict, job-4 failed: nothing starts, and it is said why', () => {
    const { world, seen, job2, job3 } = example('strict')
    finish(world, byHand(world, 'job-4'), 'failed')
    finish(world, job2)
    finish(world, job3)
    expect(newsOf(world, seen).at(-1)).toBe('x-2 no-run: job-4, which puts r1, failed')
  })
})

describe('what went wrong there and does not here:', () => {
  test('a strict start that met a red job comes with its retry', () => {
    const { world, seen, job2, job3 } = example('strict')
    finish(world, job2)
    finish(world, job3)
    newsOf(world, seen)
    finish(
      world,
      retry(
        world,
        world.runs.findLast(({ job }) => job === 'job-1')!,
      ),
    )
    expect(newsOf(world, seen)).toEqual(['x-1 run'])
  })

  test('a producer that never ran hinders nothing where there is a version', () => {
    const world = tinyWorld(`
triggers: { push: main }
resources: { src: { git: . }, image: { files: {} } }
jobs:
  seldom: { get: { src: { trigger: false } }, run: make, put: image }
  often: { get: { src: { trigger: false } }, run: make, put: image }
  ship: { get: image, start: strict, run: make }`)
    push(world, 'src')
    finish(world, byHand(world, 'often'))
    expect(world.triggers.map(({ on, fate }) => `${on.job} ${fate}`)).toEqual(['ship run'])
  })

  test('what stands behind an edge that starts nothing is not waited for', () => {
    const world = tinyWorld(`
triggers: { push: main }
resources: { src: { git: . } }
jobs:
  docs: { get: src, run: make }
  build: { get: src, run: make }
  ship: { needs: { build: {}, docs: { trigger: false, versions: any } }, start: strict, run: make }`)
    push(world, 'src')
    lookAround(world)
    for (const run of world.runs.slice(0, 2)) finish(world, run)
    expect(world.runs.filter(({ job }) => job === 'ship')).toHaveLength(1)
    byHand(world, 'docs')
    push(world, 'src')
    lookAround(world)
    finish(
      world,
      world.runs.findLast(({ job }) => job === 'build')!,
    )
    expect(world.runs.filter(({ job }) => job === 'ship')).toHaveLength(2)
  })

  test('a diamond with arms of unequal length ends once, after the longer one', () => {
    const world = tinyWorld(`
jobs:
  a: { get: src, run: make }
  b: { needs: a, run: make }
  c: { needs: a, run: make }
  c2: { needs: c, run: make }
  d: { needs: [b, c2], start: strict, run: make }`)
    const seen = new Map<number, string>()
    const next = (job: string) => {
      finish(
        world,
        world.runs.find((run) => run.job === job)!,
      )
      return newsOf(world, seen).filter((news) => news.startsWith('d '))
    }
    push(world, 'src')
    lookAround(world)
    expect(next('a')).toEqual([])
    expect(next('b')).toEqual(['d gathered: waits for c, which is queued'])
    expect(next('c')).toEqual(['d gathered: waits for c2, which is queued'])
    expect(next('c2')).toEqual(['d run'])
    expect(world.runs.filter(({ job }) => job === 'd')).toHaveLength(1)
  })

  test('a chrono run is there at once, whoever is at work beside it', () => {
    const { world, job2 } = example('chrono')
    finish(world, job2)
    expect(world.runs.at(-1)).toMatchObject({ job: 'x-2', state: 'queued', start: 'chrono' })
  })

  test.each([
    { circle: 'two', jobs: ['one: { get: q1', 'two: { get: q2'], puts: ['q2', 'q1'] },
    {
      circle: 'three',
      jobs: ['one: { get: q1', 'two: { get: q2', 'three: { get: q3'],
      puts: ['q2', 'q3', 'q1'],
    },
    {
      circle: 'three, one of them by what it needs',
      jobs: ['one: { get: q1', 'two: { needs: one', 'three: { get: q3'],
      puts: ['q2', 'q3', 'q1'],
    },
  ])(
    'strict jobs that each put what the next one gets do not wait for each other for ever: $circle',
    (line) => {
      const { jobs, puts } = line
      const world = tinyWorld(`
triggers: { push: main }
resources: { src: { git: . }, q1: { files: {} }, q2: { files: {} }, q3: { files: {} } }
jobs:
  seed: { get: src, run: make, put: [q1, q2, q3] }
${jobs.map((job, at) => `  ${job}, start: strict, run: make, put: ${puts[at]} }`).join('\n')}
  last: { get: q1, start: strict, run: make }`)
      push(world, 'src')
      lookAround(world)
      finish(world, world.runs[0]!)
      const getting = jobs.filter((job) => job.includes('get')).map((job) => job.slice(0, job.indexOf(':')))
      expect(world.runs.slice(1).map(({ job }) => job)).toEqual(getting)
      const gathered = world.triggers.filter(({ fate }) => fate === 'gathered')
      expect(new Set(gathered.map(({ on }) => on.job))).toEqual(new Set(['last']))
      for (const run of world.runs.filter(({ state }) => state === 'queued')) finish(world, run, 'failed')
      expect(world.triggers.filter(({ fate }) => fate === 'gathered')).toEqual([])
    },
  )
})
