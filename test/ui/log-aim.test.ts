import { expect, test } from 'vitest'
import { PLAIN, spansOf } from '../../ui/lib/ansi.ts'
import { aimOf, failures, fragmentOf, stretched } from '../../ui/lib/log-aim.ts'
import { marked, soughtPattern } from '../../ui/lib/log-marks.ts'
import { lineTime } from '../../ui/lib/log-times.ts'
import { stepsOf } from './fake-stories.ts'

test('an address points at a line or at some of them, and is written as it is read', () => {
  expect(aimOf('s1-l10')).toEqual({ step: 1, from: 9, to: 9 })
  expect(aimOf('s1-l20-l10')).toEqual({ step: 1, from: 9, to: 19 })
  expect(fragmentOf({ step: 1, from: 9, to: 19 })).toBe('s1-l10-l20')
  expect(fragmentOf({ step: 1, from: 9, to: 9 })).toBe('s1-l10')
  expect(aimOf('s1')).toBeNull()
})

test('a second line stretches what is chosen, in its own step', () => {
  const aim = { step: 1, from: 5, to: 5 }
  expect(stretched(aim, 1, 9)).toEqual({ step: 1, from: 5, to: 9 })
  expect(stretched(aim, 1, 2)).toEqual({ step: 1, from: 2, to: 5 })
  expect(stretched(aim, 2, 2)).toEqual({ step: 2, from: 2, to: 2 })
  expect(stretched(null, 1, 2)).toEqual({ step: 1, from: 2, to: 2 })
})

test('what went wrong is the command that failed, or its step', () => {
  const [prepare, step] = stepsOf(['a', 'b'])
  const commands = step!.commands.map((command, at) => ({
    ...command,
    state: at === 1 ? ('failed' as const) : ('succeeded' as const),
  }))
  expect(failures([prepare!, { ...step!, state: 'failed', commands }])).toEqual(['s1-c1'])
  expect(failures([{ ...prepare!, state: 'errored' }])).toEqual(['s0'])
  expect(failures([{ ...step!, state: 'failed', kind: 'group' }])).toEqual([])
})

test('what was looked for is cut out of a line, whatever colours it runs over', () => {
  const { spans } = spansOf('an \u001b[31merr\u001b[32mor an error')
  const found = marked(spans, soughtPattern({ words: 'ERROR', isPattern: false, isExact: false }))
  expect(found.map(({ text, isFound }) => (isFound ? `<${text}>` : text)).join('|')).toBe(
    'an |<err>|<or>| an |<error>',
  )
  expect(found.find(({ text }) => text === 'err')?.style.ink).toEqual({ name: 1 })
})

test('signs are signs, patterns are patterns, and what is none marks nothing', () => {
  const spans = [{ text: 'a.b aXb', style: PLAIN }]
  const hits = (words: string, isPattern: boolean) =>
    marked(spans, soughtPattern({ words, isPattern, isExact: true })).filter(({ isFound }) => isFound).length
  expect([hits('a.b', false), hits('a.b', true), hits('(', true), hits('x*', true)]).toEqual([1, 2, 0, 0])
})

test('times are told since the beginning, as short as they are', () => {
  const since = '2026-01-01T00:00:00.000Z'
  const told = (ms: number) => lineTime(new Date(Date.parse(since) + ms).toISOString(), since)
  expect([told(0), told(1_234), told(62_345), told(3_602_345)]).toEqual([
    '0.000',
    '1.234',
    '1:02.345',
    '1:00:02.345',
  ])
  expect(lineTime('2026-01-01T03:04:05.006', null)).toBe('03:04:05.006')
})
