import { expect, test } from 'vitest'
import { homeAddress, lineFilterIn } from '../../ui/lib/line-filter.ts'
import { recordOf } from '../../ui/lib/line-summary.ts'
import { addLine, SHOP } from './fake-stories.ts'
import { FakeWorld } from './fake-world.ts'

test('an address keeps what is looked for, and nothing where nothing is', () => {
  for (const filter of [
    { words: 'a b', kind: 'broken' },
    { words: '', kind: 'all' },
  ] as const)
    expect(lineFilterIn(new URL(homeAddress(filter), 'http://takt').searchParams)).toEqual(filter)
  expect(homeAddress({ words: '', kind: 'all' })).toBe('/')
})

test('of a record count runs that ended by themselves, allowed failures as green', () => {
  const world = new FakeWorld()
  const line = addLine(world, SHOP)
  const ended = (['succeeded', 'failed', 'errored', 'cancelled'] as const).map((state) => {
    const run = world.addRun(line, 'unit')
    world.move(run, 'running')
    world.move(run, state)
    return run
  })
  expect(recordOf(ended)).toMatchObject({ ended: 3, green: 1 })
  expect(recordOf(ended.map((run) => ({ ...run, allowed: true })))).toMatchObject({ ended: 3, green: 3 })
  expect(recordOf([])).toEqual({ ended: 0, green: 0, middleMs: null })
})
