import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Retry } from '#pipelines/language/step.ts'
import { againAfter, attemptsOf, type EndedAttempt } from '#pipelines/plan/again.ts'

const FAILED: EndedAttempt = { attempt: 1, move: 'fail', code: null, message: null, exitCode: 1 }
const retry = (given: Partial<Retry>): Retry => ({
  max: 1,
  on: ['failed', 'errored'],
  backoff: 'fixed',
  delayMs: 10_000,
  ...given,
})

test.each<[string, Retry | null, Partial<EndedAttempt>, boolean]>([
  ['a failure, where nothing is said', null, {}, false],
  ['an error, where nothing is said', null, { move: 'break', code: 'x' }, true],
  ['the third error, where nothing is said', null, { move: 'break', attempt: 3 }, false],
  ['a failure that `on` names', retry({ on: ['failed'] }), {}, true],
  ['an error that `on` does not name', retry({ on: ['failed'] }), { move: 'break' }, false],
  ['a lost runner, as an error', retry({ on: ['errored'] }), { move: 'break', code: 'runner_lost' }, true],
  ['an exit code that `on` names', retry({ on: ['exit:137'] }), { exitCode: 137 }, true],
  ['another exit code', retry({ on: ['exit:137'] }), { exitCode: 13 }, false],
  ['the end by a signal', retry({ on: ['signal'] }), { exitCode: 143 }, true],
  ['an exit code that is no signal’s', retry({ on: ['signal'] }), { exitCode: 128 }, false],
  ['a timeout', retry({ on: ['timeout'] }), { code: 'timeout', exitCode: null }, true],
  ['silence', retry({ on: ['timeout'] }), { code: 'inactive', exitCode: null }, true],
  ['the last attempt', retry({ max: 1 }), { attempt: 2 }, false],
])('%s', (_, policy, ended, isTriedAgain) => {
  expect(againAfter(policy, { ...FAILED, ...ended }, 0.5) !== null).toBe(isTriedAgain)
})

test('however a run ends, it is begun as often as its job says and no oftener, and no pause that grows is longer than 5 minutes', () => {
  fc.assert(
    fc.property(
      fc.record({
        max: fc.integer({ min: 0, max: 20 }),
        backoff: fc.constantFrom('fixed' as const, 'exponential' as const),
        delayMs: fc.integer({ min: 1, max: 7 * 86_400_000 }),
      }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (given, chance) => {
        const policy = retry(given)
        let attempt = 1
        for (;;) {
          const again = againAfter(policy, { ...FAILED, attempt }, chance)
          if (!again) break
          expect(again.pauseMs).toBeGreaterThanOrEqual(0)
          if (given.backoff === 'fixed') expect(again.pauseMs).toBe(given.delayMs)
          else expect(again.pauseMs).toBeLessThanOrEqual(300_000)
          attempt++
        }
        expect(attempt).toBe(attemptsOf(policy))
      },
    ),
  )
})

test('a pause grows where it may, and those who failed together come back one by one', () => {
  const policy = retry({ max: 9, backoff: 'exponential', delayMs: 1_000 })
  const pauses = [1, 2, 3].map((attempt) => againAfter(policy, { ...FAILED, attempt }, 1)?.pauseMs)
  expect(pauses).toEqual([1_000, 2_000, 4_000])
  expect(againAfter(policy, FAILED, 0.25)?.pauseMs).toBe(250)
  expect(againAfter(retry({}), FAILED, 0.25)?.pauseMs).toBe(10_000)
})
