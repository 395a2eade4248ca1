import { describe, expect, test } from 'vitest'
import type { RunTerminal } from '../../ui/lib/api.ts'
import { countOf, duringWhat, endingOf } from '../../ui/lib/terminal-words.ts'
import { between } from '../../ui/lib/time.ts'
import { stepWith } from './fake-steps.ts'

const at = (second: number) => new Date(Date.UTC(2026, 10, 22, 8, 0, second)).toISOString()
const from = (begun: number, ended: number | null) => ({
  started_at: at(begun),
  ended_at: ended === null ? null : at(ended),
})
const run = {
  started_at: at(20),
  ended_at: at(50),
  earlier: [
    {
      attempt: 1,
      state: 'errored' as const,
      reason: 'lost',
      exit_code: null,
      runner: 'bench',
      ...{ started_at: at(0), ended_at: at(10) },
    },
  ],
  steps: [
    stepWith(0, { name: 'prepare', kind: 'prepare', ...from(20, 22) }),
    stepWith(1, { name: 'checks', kind: 'group', ...from(22, 50) }),
    stepWith(2, { name: 'unit', parent: 1, ...from(22, 40) }),
    stepWith(3, { name: 'lint', parent: 1, ...from(22, 30) }),
    stepWith(4, { name: 'postgres', kind: 'service', ...from(20, 50) }),
    stepWith(5, { name: 'clean', ...from(45, null) }),
  ],
}

test.each([
  ['one step goes on', 35, 'during step unit'],
  ['steps go on side by side', 25, 'during steps unit, lint'],
  ['no step goes on', 42, ''],
  ['a step has no end yet', 47, 'during step clean'],
  ['the run has failed', 50, 'in the kept container'],
  ['an earlier attempt goes on', 5, 'in attempt 1'],
  ['nothing of it is known', 15, ''],
])('a terminal that is opened when %s', (_, second, words) => {
  expect(duringWhat(run, { opened_at: at(second) })).toBe(words)
})

const ended = (given: Partial<RunTerminal>) =>
  endingOf({ closed_at: at(1), exit_code: null, reason: null, user: 'ada', ...given })

test.each([
  ['is open', { closed_at: null }, 'open now'],
  ['ended by itself', { exit_code: 0 }, 'exit code 0'],
  ['was left', {}, 'left by ada'],
  [
    'was cut off',
    { reason: 'the connection to the runner was lost' },
    'closed: the connection to the runner was lost',
  ],
  [
    'ended with a reason',
    { exit_code: 137, reason: 'the run ended' },
    'exit code 137, closed: the run ended',
  ],
])('a terminal that %s says so', (_, given, words) => expect(ended(given)).toBe(words))

describe('the words of terminals', () => {
  test('count them, and those that are open', () => {
    expect(countOf([{ closed_at: at(1) }])).toBe('1 terminal')
    expect(countOf([{ closed_at: at(1) }, { closed_at: null }])).toBe('2 terminals, 1 open now')
  })
  test('say a day once where both times are of it', () => {
    const words = between(at(0), at(9))
    expect(words).toMatch(/\d:00:00\s.*\s–\s.*:00:09\s/)
    expect(words.match(/2026/g)).toHaveLength(1)
  })
})
