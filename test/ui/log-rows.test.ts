import { expect, test } from 'vitest'
import type { Gate, RunStep } from '../../ui/lib/api.ts'
import { keyOf, type Row, type Rows, rowsOf } from '../../ui/lib/log-rows.ts'
import { foldsAbove } from '../../ui/lib/step-tree.ts'
import { gatedRun } from './fake-gates.ts'
import { treeSteps } from './fake-steps.ts'
import { addLine, stepOf, stepsOf } from './fake-stories.ts'
import { FakeWorld } from './fake-world.ts'

const linesOf = (count: number) => (step: number) => (step === 1 ? count : 0)
const drawn = (steps: readonly RunStep[], gates: readonly Gate[] = []) => ({
  steps: [...steps],
  gates,
  ahead: [],
})
const byItself = (_key: string, open: boolean) => open
const listed = (rows: Rows): Row[] => Array.from({ length: rows.length }, (_, index) => rows.at(index)!)
const keys = (steps: readonly RunStep[], count = 4) =>
  listed(rowsOf(drawn(steps), linesOf(count), byItself)).map(keyOf)

function ran(states: readonly RunStep['state'][]): RunStep[] {
  const [prepare, step] = stepsOf(states.map((_, at) => `command ${at}`))
  if (!prepare || !step) throw new Error('no steps')
  const commands = step.commands.map((command, at) => ({
    ...command,
    state: states[at] ?? 'queued',
    first_line: at * 2,
  }))
  return [
    { ...prepare, state: 'succeeded' },
    { ...step, state: states.at(-1) ?? 'queued', commands },
  ]
}

test('a failed command is open, a green one folded', () => {
  expect(keys(ran(['succeeded', 'failed']))).toEqual(['s0', 's1', 's1-c0', 's1-c1', 's1-l3', 's1-l4'])
})

test('a short green log is shown whole, a long one folded', () => {
  const green = ran(['succeeded', 'succeeded'])
  expect(keys(green)).toEqual(['s0', 's1', 's1-c0', 's1-l1', 's1-l2', 's1-c1', 's1-l3', 's1-l4'])
  expect(keys(green, 1_000)).toEqual(['s0', 's1', 's1-c0', 's1-c1'])
})

test('a running command is open', () => {
  expect(keys(ran(['running']))).toEqual(['s0', 's1', 's1-c0', 's1-l1', 's1-l2', 's1-l3', 's1-l4'])
})

test('of several green steps only the heads are shown', () => {
  const steps = [
    ...ran(['succeeded', 'succeeded']),
    { ...stepOf(2, 'more', ['x']), state: 'succeeded' as const },
  ]
  expect(keys(steps)).toEqual(['s0', 's1', 's2'])
})

test('lines before the first command belong to the step', () => {
  const [, step] = ran(['failed'])
  if (!step) throw new Error('no step')
  const late = { ...step, commands: step.commands.map((command) => ({ ...command, first_line: 1 })) }
  expect(keys([late])).toEqual(['s1', 's1-l1', 's1-c0', 's1-l2', 's1-l3', 's1-l4'])
})

test('of a step of millions of lines the last ones are drawn, and the others are spoken of', () => {
  const rows = rowsOf(drawn(ran(['running'])), linesOf(2_000_000), byItself)
  expect(rows.at(2)).toMatchObject({ kind: 'note', text: '800,000 earlier lines are in the raw log.' })
  expect(rows.at(rows.length - 1)).toEqual({ kind: 'line', step: 1, number: 1_999_999 })
  expect(rows.indexOfLine(1, 800_000)).toBe(4)
  expect(rows.indexOfLine(1, 799_999)).toBe(-1)
})

test('rows know where each line, each fold and each step is', () => {
  const rows = rowsOf(drawn(ran(['succeeded', 'failed'])), linesOf(5), byItself)
  expect(listed(rows).map(keyOf)).toEqual(['s0', 's1', 's1-c0', 's1-c1', 's1-l3', 's1-l4', 's1-l5'])
  expect([rows.indexOfLine(1, 3), rows.indexOfLine(1, 0), rows.indexOfLine(2, 3)]).toEqual([5, -1, -1])
  expect(rows.fold('s1-c1')).toEqual({ head: 3, end: 6 })
  expect(rows.fold('s1-c0')).toEqual({ head: 2, end: 2 })
  expect(rows.heads).toEqual([
    { key: 's0', index: 0 },
    { key: 's1', index: 1 },
  ])
})

test('a person’s choice stands above the fold’s own', () => {
  const rows = rowsOf(drawn(ran(['succeeded', 'failed'])), linesOf(4), (key, open) =>
    key === 's1-c0' ? true : key === 's1-c1' ? false : open,
  )
  expect(listed(rows).map(keyOf)).toEqual(['s0', 's1', 's1-c0', 's1-l1', 's1-l2', 's1-c1'])
})

const heads = (steps: readonly RunStep[], isOpen = byItself) =>
  listed(rowsOf(drawn(steps), linesOf(0), isOpen)).flatMap((row) => {
    if (row.kind === 'step') return [`${'  '.repeat(row.depth)}${row.step.name}`]
    return row.kind === 'section' ? [`[${row.text}]`] : []
  })

test('members stand inside their group, hooks inside what they belong to, services apart from the steps', () => {
  expect(heads(treeSteps())).toEqual([
    'prepare',
    'install',
    'checks',
    '  audit',
    '  browsers',
    '  inner',
    '    unit',
    '      screenshots',
    'publish a preview of the documentation',
    'image',
    'finish',
    '[Hooks of the job]',
    'clean up',
    '[Services, beside the steps]',
    'postgres',
    'redis',
  ])
})

test('a folded group hides its members', () => {
  expect(heads(treeSteps(), (key, open) => key !== 's2' && open).slice(2, 4)).toEqual([
    'checks',
    'publish a preview of the documentation',
  ])
})

test('a hook that was not called is told with why, one that may still be called is not spoken of', () => {
  const notes = (steps: readonly RunStep[]) =>
    listed(rowsOf(drawn(steps), linesOf(0), byItself)).flatMap((row) =>
      row.kind === 'note' ? [row.text] : [],
    )
  expect(notes(treeSteps())).toContain('Hooks not called: cheer (on success): its step failed')
  expect(notes(treeSteps())).toContain('Hooks of the job not called: notify (on success): the job failed')
  const early = treeSteps().map((step) => (step.hook ? { ...step, state: 'queued' as const } : step))
  expect(notes(early).filter((text) => /Hooks/.test(text))).toEqual([])
})

test('a tree that claims to go in a circle is drawn flat', () => {
  const looped = [stepOf(1, 'one', []), stepOf(2, 'two', [])].map((step) => ({
    ...step,
    kind: 'group' as const,
    parent: 3 - step.step,
  }))
  expect(heads(looped)).toEqual(['one', '  two'])
  expect(heads([{ ...stepOf(1, 'self', []), parent: 1 }])).toEqual(['self'])
})

test('the address of a line opens every group around it', () => {
  expect(foldsAbove(treeSteps(), 7)).toEqual([2, 5, 6])
  expect(foldsAbove(treeSteps(), 1)).toEqual([])
})

test('a gate stands in its place among the steps, and what is still to come behind all of them', () => {
  const world = new FakeWorld()
  const line = addLine(world, { project: 'shop', name: 'main', jobs: [{ name: 'ship' }] })
  const gate = (given: Partial<Gate>) => gatedRun(world, line, 'ship', given)
  const steps = ['prepare', 'build', 'hand over', 'prepare', 'deploy', 'hand over'].map((name, step) =>
    stepOf(step, name, []),
  )
  // the newest first, as the server lists them
  const gates = [
    gate({ id: 4, name: 'last', after_step: 5 }),
    gate({ id: 3, name: 'third', after_step: 2, state: 'skipped' }),
    gate({ id: 2, name: 'second', after_step: 2, state: 'approved' }),
    gate({ id: 1, name: 'first', after_step: null, state: 'rejected' }),
  ]
  const ahead = [
    { name: 'smoke', gate: false },
    { name: 'go', gate: true },
  ]
  const rows = listed(rowsOf({ steps, gates, ahead }, linesOf(0), (_key, open) => open))
  const words = rows.map((row) =>
    row.kind === 'step'
      ? row.step.name
      : row.kind === 'gate'
        ? `[${row.gate.name}]`
        : 'text' in row && row.text,
  )
  expect(words).toEqual([
    ...['[first]', 'prepare', 'build', 'hand over', '[second]', '[third]', 'prepare', 'deploy', 'hand over'],
    ...['[last]', 'Still to come: `smoke`, the gate `go`'],
  ])
  expect(rows.map((row) => row.kind === 'gate' && row.isOpen).filter(Boolean)).toEqual([true])
})
