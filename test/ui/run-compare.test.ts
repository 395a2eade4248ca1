import { expect, test } from 'vitest'
import { comparedFacts, comparedSteps, runBefore } from '../../ui/lib/run-compare.ts'
import { addLine, SHOP, stepsOf } from './fake-stories.ts'
import { FakeWorld } from './fake-world.ts'

function twoRuns() {
  const world = new FakeWorld()
  const line = addLine(world, SHOP)
  const ended = (state: 'succeeded' | 'failed', commands: string[]) => {
    const run = world.addRun(line, 'unit', { steps: stepsOf(commands) })
    world.move(run, 'running')
    world.move(run, state)
    return run
  }
  return { world, before: ended('succeeded', ['npm test']), now: ended('failed', ['npm test']), line }
}

test('a run is compared with the last one of its leg that came to an end before it', () => {
  const { world, before, now, line } = twoRuns()
  const later = world.addRun(line, 'unit')
  expect(runBefore(now, [later, now, before])).toBe(before)
  expect(runBefore(before, [now, before])).toBeUndefined()
  expect(runBefore({ ...now, matrix: { node: '22' } }, [now, before])).toBeUndefined()
})

test('what went in and came of it is told of both', () => {
  const { before, now } = twoRuns()
  const facts = comparedFacts({ ...now, given: { rollout: '25' }, inputs: [] }, before)
  expect(facts[0]).toEqual({ name: 'State', before: 'succeeded', now: 'failed' })
  expect(facts.find(({ name }) => name === 'rollout')).toEqual({ name: 'rollout', before: null, now: '25' })
  expect(facts.find(({ name }) => name === 'src')).toMatchObject({ now: null })
})

test('steps are matched by name, and those of one run alone are told too', () => {
  const { before, now } = twoRuns()
  const at = (ms: number) => new Date(ms).toISOString()
  const timed = (run: typeof now, ms: number, state: 'succeeded' | 'failed') => ({
    ...run,
    steps: run.steps.slice(0, 2).map((step) => ({ ...step, state, started_at: at(0), ended_at: at(ms) })),
  })
  const [first, second] = comparedSteps(timed(now, 300, 'failed'), {
    ...timed(before, 100, 'succeeded'),
    steps: timed(before, 100, 'succeeded').steps.slice(0, 1),
  })
  expect(first).toMatchObject({ beforeMs: 100, nowMs: 300, turned: 'succeeded → failed' })
  expect(second).toMatchObject({ beforeMs: null, nowMs: 300, turned: 'not there → failed' })
})
