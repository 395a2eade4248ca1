import { expect, test } from 'vitest'
import { exitWords } from '../../runner/docker/exit-words.ts'
import { wordsOf } from '../../runner/docker/refusal.ts'

const refused = (given: object) =>
  Object.assign(new Error('(HTTP code 500) server error - no such host '), given)

test.each([
  ['in JSON', refused({ statusCode: 500, json: { message: 'no such host' } }), 'no such host'],
  ['to a stream', refused({ statusCode: 500, json: null }), 'no such host'],
  ['never', new Error('connect ECONNREFUSED'), 'connect ECONNREFUSED'],
  ['oddly', 'out of order', 'out of order'],
])('what Docker answers %s is told in its words alone', (_, error, words) => {
  expect(wordsOf(error)).toBe(words)
})

test.each([
  [139, 'SIGSEGV (exit code 139)'],
  [137, 'SIGKILL (exit code 137)'],
  [3, 'exit code 3'],
  [128, 'exit code 128'],
  [255, 'exit code 255'],
  [null, 'no exit code'],
])('a shell that ended with %s is told by the signal, where one ended it', (code, words) => {
  expect(exitWords(code)).toBe(words)
})
