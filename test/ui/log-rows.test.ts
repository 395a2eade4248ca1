import { expect, test } from 'vitest'
import type { RunStep } from '../../ui/lib/api.ts'
import { PLAIN } from '../../ui/lib/ansi.ts'
import { keyOf, rowsOf } from '../../ui/lib/log-rows.ts'
import { stepOf, stepsOf } from './fake-stories.ts'

const line = (step: number, number: number) => ({
  kind: 'line' as const,
  step,
  number,
  text: `${number}`,
  start: PLAIN,
})
const logOf = (count: number, dropped = 0) => ({
  linesOf: (step: number) =>
    step === 1 ? Array.from({ length: count }, (_, at) => line(1, at + dropped)) : [],
  droppedOf: (step: number) => (step === 1 ? dropped : 0),
})
const byItself = (_key: string, open: boolean) => open
const keys = (steps: readonly RunStep[], log = logOf(4)) => rowsOf(steps, log, byItself).map(keyOf)

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
  const sized = (lines: number) => ran(['succeeded', 'succeeded']).map((step) => ({ ...step, lines }))
  expect(keys(sized(4))).toEqual(['s0', 's1', 's1-c0', 's1-l1', 's1-l2', 's1-c1', 's1-l3', 's1-l4'])
  expect(keys(sized(1_000))).toEqual(['s0', 's1', 's1-c0', 's1-c1'])
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

test('lines that are no longer kept are mentioned, and the others keep their commands', () => {
  expect(keys(ran(['succeeded', 'failed']), logOf(1, 3))).toEqual([
    's0',
    's1',
    's1-note',
    's1-c0',
    's1-c1',
    's1-l4',
  ])
})

test('a person’s choice stands above the fold’s own', () => {
  const rows = rowsOf(ran(['succeeded', 'failed']), logOf(4), (key, open) =>
    key === 's1-c0' ? true : key === 's1-c1' ? false : open,
  )
  expect(rows.map(keyOf)).toEqual(['s0', 's1', 's1-c0', 's1-l1', 's1-l2', 's1-c1'])
})
