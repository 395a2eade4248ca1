import { describe, expect, test } from 'vitest'
import type { TestState } from '#pipelines/reports/junit.ts'
import { marksOf, type Outcome } from '#pipelines/reports/history.ts'

const STATE: Record<string, TestState> = { p: 'passed', f: 'failed', s: 'skipped' }
/** `pfs`: passed, failed, skipped, in the order of the runs. */
const row = (letters: string): Outcome[] =>
  [...letters].map((letter, run) => ({ run, inputs: String(run), state: STATE[letter]! }))
const marks = (before: string, now: string, { twins = '', first = false } = {}) =>
  marksOf({ run: 99, inputs: 'x', state: STATE[now]! }, { before: row(before), twins: row(twins), first })

describe('a failure is new when the run before did not have it', () => {
  test.each([
    ['it passed there', 'ffp', 'f', true],
    ['it is a new test', '', 'f', true],
    ['it was skipped there and passed before', 'ps', 'f', true],
    ['not when it failed there', 'pf', 'f', false],
    ['not when it was skipped there and failed before', 'fs', 'f', false],
    ['not when it passes', 'f', 'p', false],
    ['not when it is skipped', 'p', 's', false],
  ])('%s', (_, before, now, expected) => expect(marks(before, now).newFailure).toBe(expected))

  test('and never where nothing has been tested before', () =>
    expect(marks('', 'f', { first: true }).newFailure).toBe(false))
})

describe('a test is flaky when it', () => {
  test.each([
    ['fails and has passed with the same versions', '', 'f', 'p', true],
    ['passes and has failed with the same versions', '', 'p', 'fp', true],
    ['keeps changing', 'pfp', 'f', '', true],
    ['keeps changing, skipped or not', 'psfsp', 'f', '', true],
    ['but not when it broke and was mended', 'ppffpp', 'p', '', false],
    ['but not when it fails with the same versions again', 'p', 'f', 'ff', false],
    ['but not when it was only skipped with the same versions', '', 'f', 's', false],
    ['but not when it is skipped', 'pfp', 's', 'pf', false],
  ])('%s', (_, before, now, twins, expected) => expect(marks(before, now, { twins }).flaky).toBe(expected))
})
