import { describe, expect, test } from 'vitest'
import { diffLines } from '../../server/states/line-diff.ts'

const numbered = (letter: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${letter}${at}\n`).join('')

describe('two texts', () => {
  test.each([
    ['that are the same differ in nothing', 'a\nb\n', 'a\nb\n', []],
    ['of which one lacks the end of its last line differ in nothing', 'a\nb', 'a\nb\n', []],
    ['differ in a line, from line 1', 'a\n', 'b\n', [{ before: 1, after: 1, lines: ['-a', '+b'] }]],
    ['may be nothing at first', '', 'a\nb', [{ before: 1, after: 1, lines: ['+a', '+b'] }]],
    ['may be nothing in the end', 'a\n\n', '', [{ before: 1, after: 1, lines: ['-a', '-'] }]],
    [
      'are told of with three lines around what differs',
      'a\nb\nc\nd\ne\nf\ng\nh\ni',
      'a\nb\nc\nd\nE\nf\ng\nh\ni',
      [{ before: 2, after: 2, lines: [' b', ' c', ' d', '-e', '+E', ' f', ' g', ' h'] }],
    ],
    [
      'are told of in one piece where what is around meets',
      'x\n1\n2\n3\n4\n5\n6\ny',
      '1\n2\n3\n4\n5\n6\nz',
      [{ before: 1, after: 1, lines: ['-x', ' 1', ' 2', ' 3', ' 4', ' 5', ' 6', '-y', '+z'] }],
    ],
    [
      'are told of in two where more lies between',
      'x\n1\n2\n3\n4\n5\n6\n7\ny',
      '1\n2\n3\n4\n5\n6\n7\nz',
      [
        { before: 1, after: 1, lines: ['-x', ' 1', ' 2', ' 3'] },
        { before: 6, after: 5, lines: [' 5', ' 6', ' 7', '-y', '+z'] },
      ],
    ],
    [
      'differ in how a line ends',
      'a\r\nb\n',
      'a\nb\n',
      [{ before: 1, after: 1, lines: ['-a\r', '+a', ' b'] }],
    ],
  ])('%s', (_, before, after, hunks) => {
    expect(diffLines(before, after)).toEqual(hunks)
  })

  test('that have no line in common are told of up to a thousand lines, and no further', () => {
    const [hunk, ...more] = diffLines(numbered('a', 500), numbered('b', 500)) ?? []
    expect([hunk?.lines.length, hunk?.lines[0], hunk?.lines.at(-1), more]).toEqual([
      1_000,
      '-a0',
      '+b499',
      [],
    ])
    expect(diffLines(numbered('a', 501), numbered('b', 500))).toBe(null)
  })

  // Two that are looked through to the end would take hours: a quarter of a million lines each, by their square.
  test.each([
    ['have no line in common', numbered('a', 30_000), numbered('b', 30_000)],
    ['are the same two lines in another beat', '\nx\n'.repeat(87_000), '\n\nx\nx\nx\n'.repeat(32_000)],
  ])('as long as any that are shown are given up early where they %s', (_, before, after) => {
    expect(diffLines(before, after)).toBe(null)
  })

  test('of many lines that differ in a few are told of', () => {
    const long = numbered('a', 40_000)
    expect(diffLines(long, long.replace('a20000\n', 'x\n'))).toMatchObject([
      { before: 19_998, after: 19_998 },
    ])
  })
})
