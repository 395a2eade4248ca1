import { expect, test } from 'vitest'
import { endingOfAttempt } from '../../ui/lib/attempt-words.ts'

test.each([
  [
    'errored',
    'attempt 2 errored: The image could not be pulled: no such host ',
    'errored',
    'The image could not be pulled: no such host',
  ],
  ['errored', 'attempt 2 was lost: two\nlines', 'was lost', 'two\nlines'],
  ['failed', 'attempt 2 failed', 'failed', null],
  ['failed', 'attempt 1 failed: of another', 'failed', 'attempt 1 failed: of another'],
] as const)('an attempt that %s is not named twice in “%s”', (state, reason, how, why) => {
  expect(endingOfAttempt({ attempt: 2, state, reason })).toEqual({ how, why })
})
