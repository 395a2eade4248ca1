import { expect, test } from 'vitest'
import { differenceOf, lineWords } from '../../ui/lib/line-difference.ts'

test.each([
  ['a b c', 'a b c', [], []],
  ['a b c', 'a x c', [2], [2]],
  ['a b c', 'a b c d', [], [4]],
  ['a b c d', 'a d', [2, 3], []],
  ['a b c d e', 'a c x e', [2, 4], [3]],
  ['', 'a b', [1], [1, 2]],
])('of “%s” and “%s”, what has no counterpart differs', (mine, theirs, left, right) => {
  const text = (letters: string) => letters.split(' ').join('\n')
  expect(differenceOf(text(mine), text(theirs))).toEqual({ mine: left, theirs: right })
})

test('texts that are too long to be compared differ between their common ends', () => {
  const lines = (letter: string) => Array.from({ length: 2_001 }, (_, at) => `${letter}${at}`)
  const whole = (letter: string) => ['same', ...lines(letter), 'same'].join('\n')
  const { mine, theirs } = differenceOf(whole('a'), whole('b'))
  expect([mine.length, theirs.length, mine[0], mine.at(-1)]).toEqual([2_001, 2_001, 2, 2_002])
})

test.each([
  [[3], 'line 3'],
  [[3, 4, 5, 9], 'lines 3 to 5 and 9'],
  [[1, 3, 5], 'lines 1, 3 and 5'],
])('lines %j are told as “%s”', (lines, words) => {
  expect(lineWords(lines)).toBe(words)
})
