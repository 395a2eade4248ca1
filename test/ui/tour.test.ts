import { describe, expect, test } from 'vitest'
import { parsePipeline } from '#pipelines/language/parse.ts'
import { GATE, STARTER } from '../../ui/lib/starter-file.ts'
import { freeName, isAllGreen, tourStepAt } from '../../ui/lib/tour.svelte.ts'
import { addLine, pastRun } from './fake-stories.ts'
import { FakeWorld } from './fake-world.ts'

const JOBS = [
  { name: 'build' },
  { name: 'test', needs: ['build'] },
  { name: 'by-hand', needs: ['test'], loose: true },
]
function begun() {
  const world = new FakeWorld()
  const line = addLine(world, { project: 'first-line', name: 'main', jobs: JOBS })
  const end = (job: string, state: 'succeeded' | 'failed' | 'skipped') =>
    pastRun(world, line, job, { state, minutes: 1, tookS: 1 })
  const step = () => tourStepAt({ hasProject: true, isGreen: false, jobs: line.jobs })
  return { world, line, end, step }
}

describe('the tour', () => {
  test('goes from a project to a file to a run that is green', () => {
    expect(tourStepAt({ hasProject: false, isGreen: false, jobs: null })).toBe('project')
    expect(tourStepAt({ hasProject: true, isGreen: false, jobs: null })).toBe('file')
    const { world, line, end, step } = begun()
    expect(step()).toBe('run')
    const first = world.addRun(line, 'build')
    expect(step()).toBe('run')
    world.move(first, 'running')
    expect(step()).toBe('green')
    end('build', 'succeeded')
    expect(step()).toBe('green')
    end('test', 'succeeded')
    expect(step()).toBe('next')
  })

  test('waits where a run failed, and takes nothing back that was green once', () => {
    const { end, step, line } = begun()
    end('build', 'succeeded')
    end('test', 'failed')
    expect(step()).toBe('green')
    expect(tourStepAt({ hasProject: true, isGreen: true, jobs: line.jobs })).toBe('next')
    expect(tourStepAt({ hasProject: false, isGreen: true, jobs: null })).toBe('project')
  })
})

test('a line is green where all is that starts by itself: what was passed through counts, what starts by hand does not', () => {
  const { line, end } = begun()
  end('build', 'succeeded')
  end('test', 'skipped')
  expect(isAllGreen(line.jobs)).toBe(true)
  expect(isAllGreen(line.jobs.slice(2))).toBe(false)
})

test.each([
  [[], 'first-line'],
  [['shop', 'first-line'], 'first-line-2'],
  [['first-line', 'first-line-2', 'first-line-3'], 'first-line-4'],
])('beside %j a first project is called %s', (taken, name) => {
  expect(freeName(taken)).toBe(name)
})

test.each([
  ['the first file', STARTER],
  ['the first file with a gate', `${STARTER}${GATE}\n`],
])('%s is without a finding', (_, text) => {
  expect(parsePipeline(text).diagnostics).toEqual([])
})
