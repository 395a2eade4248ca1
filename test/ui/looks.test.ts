import { describe, expect, test } from 'vitest'
import type { Leg } from '../../ui/lib/api.ts'
import { jobLook, legCount } from '../../ui/lib/legs.ts'
import { summarise } from '../../ui/lib/line-summary.ts'
import { followJobTests, moved } from '../../ui/lib/line-sources.ts'
import { runLook, runWord } from '../../ui/lib/state-words.ts'
import { addLine, pastRun, SHOP } from './fake-stories.ts'
import { FakeWorld } from './fake-world.ts'

const leg = (state: Leg['state'], allowed = false): Leg => ({
  ...{ id: 1, number: 1, state, allowed, allow_failure: allowed, matrix: { n: '1' } },
  ...{ started_at: null, ended_at: null },
})
const red = leg('failed', true)
const green = leg('succeeded')

test.each([
  ['succeeded', green],
  ['partly succeeded', leg('succeeded', true)],
  ['failed', leg('failed')],
  ['failed, as it may', red],
  ['passed through', leg('skipped')],
])('a run is called “%s” as what it is', (words, run) => {
  expect(runWord(runLook(run))).toBe(words)
})

describe('a matrix', () => {
  test.each([
    ['is red where a leg failed that may not', [red, leg('failed'), green], 'failed', '2/3'],
    ['is amber where a leg failed that may', [green, red], 'flawed', '2/2'],
    ['failed as it may where all legs did', [red, red], 'allowed', '2/2'],
    ['is under way while a leg is', [red, leg('running')], 'running', '1/2'],
    ['is green where all legs are', [green, leg('skipped')], 'succeeded', '2/2'],
  ] as const)('%s', (_, legs, look, count) => {
    expect(jobLook({ legs, last_run: green })).toBe(look)
    expect(legCount(legs)).toBe(count)
  })
})

test('a line on which only failed what may is amber, and nothing of it needs a look', () => {
  const world = new FakeWorld()
  const shop = addLine(world, SHOP)
  pastRun(world, shop, 'unit', { state: 'succeeded', minutes: 2, tookS: 4 })
  const lint = pastRun(world, shop, 'lint', { state: 'failed', minutes: 3, tookS: 4 })
  const seen = () => summarise(world.pipelineList().items[0]!)
  expect(seen()).toMatchObject({ look: 'failed', broken: [{ job: 'lint' }] })
  lint.allowed = true
  expect(seen()).toMatchObject({ look: 'flawed', broken: [] })
})

test('a run that fails is amber at once where it may, and red where not', () => {
  const event = { kind: 'run.moved', run: 1, from: 'running', to: 'failed' } as const
  const place = { project: 'shop', pipeline: 'main', lane: 'main', job: 'unit' }
  const after = (run: Leg) => runLook(moved(run, { ...event, ...place } as never))
  expect(after({ ...leg('running'), allow_failure: true })).toBe('allowed')
  expect(after(leg('running'))).toBe('failed')
})

test.each([
  ['a run of it that ended', {}, true],
  ['one on another lane', { lane: 'pr/12' }, true],
  ['one that only began', { to: 'running' }, false],
  ['one of another job', { job: 'lint' }, false],
  ['one of another pipeline', { pipeline: 'docs' }, false],
] as const)('%s makes the tests of a job over time old, or not', (_, change, isAsked) => {
  const follow = followJobTests({
    ...{ project: 'shop', pipeline: 'main', job: 'unit' },
    ...{ sort: 'failing', limit: 100 },
  })
  const event = { kind: 'run.moved', project: 'shop', pipeline: 'main', lane: 'main', job: 'unit' }
  const told = { ...event, run: 1, from: 'running', to: 'failed', ...change } as never
  expect(follow.concerns(told, { runs: 0, items: [], next: null })).toBe(isAsked)
})
