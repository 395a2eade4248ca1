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

test('texts that differ in more than a thousand lines differ in every line', () => {
  const lines = (letter: string, count: number) =>
    ['same', ...Array.from({ length: count }, (_, at) => `${letter}${at}`), 'same'].join('\n')
  const near = differenceOf(lines('a', 500), lines('b', 500))
  expect([near.mine.length, near.theirs.length, near.mine[0], near.mine.at(-1)]).toEqual([500, 500, 2, 501])
  const far = differenceOf(lines('a', 100_000), lines('b', 501))
  expect([far.mine.length, far.theirs.length, far.mine[0], far.mine.at(-1)]).toEqual([
    100_002, 503, 1, 100_002,
  ])
})

test.each([
  [[3], 'line 3'],
  [[3, 4, 5, 9], 'lines 3 to 5 and 9'],
  [[1, 3, 5], 'lines 1, 3 and 5'],
])('lines %j are told as “%s”', (lines, words) => {
  expect(lineWords(lines)).toBe(words)
})
