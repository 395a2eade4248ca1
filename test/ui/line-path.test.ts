import { expect, test } from 'vitest'
import type { Pipeline, Trace } from '../../ui/lib/api.ts'
import { edgeKey, jobKey, resourceKey } from '../../ui/lib/line-shape.ts'
import { courseOf, milestoneAt, pathOf } from '../../ui/lib/line-path.ts'
import type { ChainRun } from '../../ui/lib/waterfall.ts'
import { addLine, hex } from './fake-stories.ts'
import { FakeWorld } from './fake-world.ts'

const JOBS = [
  ...[{ name: 'build' }, { name: 'ship', needs: ['build'] }],
  ...[
    { name: 'scan', gets: ['image'] },
    { name: 'docs', gets: ['handbook'] },
  ],
]
const line = () => addLine(new FakeWorld(), { project: 'p', name: 'main', jobs: JOBS })

const run = (job: string, id: number, given: Partial<ChainRun> = {}): ChainRun => ({
  ...{ id, job, number: id, state: 'succeeded', allowed: false, held: null, environment: null, matrix: null },
  ...{ batch: null, upstream: [], gates: [], outputs: [], started_at: null, ended_at: null },
  created_at: '2026-11-22T08:00:00Z',
  ...given,
})

type Standing = Partial<Trace['lines'][number]> & { readonly runs?: readonly ChainRun[] }
function traced({ runs = [], ...given }: Standing): Trace {
  const jobs = JOBS.map(({ name }) => {
    const own = runs.filter(({ job }) => job === name)
    return { job: name, run: own.at(-1) ?? null, legs: own.length > 1 ? [...own] : [] }
  })
  const at = { pipeline: 'main', lane: 'main', resource: 'src', recorded_at: '2026-11-22T08:00:00Z' }
  const standing = { newest: true, left: false, disabled: null, ...given }
  const version = { version: hex(11), title: 'Say hi', author: 'Ada', environments: [] }
  return { ...version, lines: [{ ...at, ...standing, jobs }] }
}

const told = (view: Pipeline, standing: Standing) => {
  const path = pathOf(traced(standing), view)
  if (!path) throw new Error('there is no path')
  const keys = [
    ...view.resources.map(({ name }) => resourceKey(name)),
    ...view.jobs.map(({ name }) => jobKey(name)),
  ]
  return Object.fromEntries(
    keys.map((key) => [key, `${milestoneAt(path, key).stretch}: ${milestoneAt(path, key).words}`]),
  )
}

test('a way leads from the resource over the jobs that took it to those that may, and past the others', () => {
  const view = line()
  for (const job of view.jobs) if (job.name === 'ship') job.waiting = 'waits for `build` on `a1b2c3`'
  expect(told(view, { runs: [run('build', 7, { state: 'running' })] })).toEqual({
    'resource:src': 'reached: its way begins here',
    'resource:image': 'aside: not on its way',
    'resource:handbook': 'aside: not on its way',
    'job:build': 'reached: #7 running',
    'job:ship': 'ahead: not reached: waits for `build` on `a1b2c3`',
    'job:scan': 'aside: not on its way',
    'job:docs': 'aside: not on its way',
  })
})

test('a way goes on over what a run put', () => {
  const view = line()
  const build = run('build', 7, { outputs: [{ resource: 'image', version: 'sha256:1' }] })
  expect(told(view, { runs: [build] })).toMatchObject({
    'resource:image': 'reached: has what came of it',
    'job:scan': 'ahead: not reached: nothing has started it yet',
    'job:docs': 'aside: not on its way',
  })
})

test('a way leads over what a job may put yet, until it came through without putting it', () => {
  const view = line()
  for (const job of view.jobs) if (job.name === 'build') job.puts.push('image', 'handbook')
  const told = (given: Partial<ChainRun>) => {
    const path = pathOf(traced({ runs: [run('build', 7, given)] }), view)
    if (!path) throw new Error('there is no path')
    return ['image', 'handbook'].map((resource, at) => {
      const [from, to, next] = [jobKey('build'), resourceKey(resource), jobKey(['scan', 'docs'][at]!)]
      const put = courseOf(path, { key: edgeKey(from, to), from, to, by: 'put' })
      return `${put}: ${milestoneAt(path, to).words}; ${milestoneAt(path, next).words}`
    })
  }
  const toCome = 'may: nothing came of it yet; not reached: nothing has started it yet'
  expect(told({ state: 'running' })).toEqual([toCome, toCome])
  expect(told({ outputs: [{ resource: 'image', version: 'sha256:1' }] })).toEqual([
    'went: has what came of it; not reached: nothing has started it yet',
    'aside: not on its way; not on its way',
  ])
})

test.each<[string, Standing]>([
  ['a newer version is on the lane', { newest: false }],
  ['a force-push left it behind', { newest: false, left: true }],
  ['the version is disabled', { disabled: { by: 'ada', reason: 'leaks', at: '2026-11-22T08:00:00Z' } }],
])('a job that was not reached tells why not: %s', (words, standing) => {
  expect(told(line(), standing)['job:ship']).toBe(`ahead: not reached: ${words}`)
})

test('a run that waits tells for what, and a matrix stands as all its legs', () => {
  const legs = [
    run('build', 7, { matrix: { node: '22' }, state: 'failed' }),
    run('build', 8, { matrix: { node: '24' } }),
  ]
  const ship = run('ship', 9, { state: 'waiting', held: 'waits for Ann' })
  const path = pathOf(traced({ runs: [...legs, ship] }), line())
  expect(path?.milestones.get('job:build')).toMatchObject({ look: 'failed', words: '#8 failed' })
  expect(path?.milestones.get('job:ship')?.words).toBe('#9 waiting: waits for Ann')
  expect(path?.words).toBe('It reached 2 of 2 jobs on its way; stopped at build; under way in ship')
})

test('a version that did not come to this lane has no way on it', () => {
  expect(pathOf({ ...traced({}), lines: [] }, line())).toBeNull()
  expect(pathOf(traced({ lane: 'release/2' }), line())).toBeNull()
})
