import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCron } from '#pipelines/language/cron.ts'
import { globProblem, matchesGlob } from '#pipelines/language/glob.ts'
import { isTimeZone } from '#pipelines/language/zone.ts'

const range = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step)
const ALWAYS = {
  minutes: range(0, 59),
  hours: range(0, 23),
  days: range(1, 31),
  months: range(1, 12),
  weekdays: range(0, 6),
  eitherDay: false,
}

test.each([
  ['* * * * *', {}],
  ['*/15 3 * * *', { minutes: [0, 15, 30, 45], hours: [3] }],
  ['5/20 * * * *', { minutes: [5, 25, 45] }],
  ['0 0-6/3 * * *', { minutes: [0], hours: [0, 3, 6] }],
  ['* * * * 5-7', { weekdays: [0, 5, 6] }],
  ['* * * jan-MAR mon,Wed', { months: [1, 2, 3], weekdays: [1, 3] }],
  ['0 0 1,15 * 1', { minutes: [0], hours: [0], days: [1, 15], weekdays: [1], eitherDay: true }],
  ['0 0 29 2 *', { minutes: [0], hours: [0], days: [29], months: [2] }],
  ['0 0 31 2 1', { minutes: [0], hours: [0], days: [31], months: [2], weekdays: [1], eitherDay: true }],
])('%s comes when it says', (text, narrowed) => expect(parseCron(text)).toEqual({ ...ALWAYS, ...narrowed }))

test.each([
  '',
  '* * * *',
  '* * * * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * * 13 *',
  '* * * * 8',
  '5-1 * * * *',
  '*/0 * * * *',
  '*-5 * * * *',
  '1,,2 * * * *',
  'a * * * *',
  '-1 * * * *',
  '1.5 * * * *',
  '0 0 30 2 *',
  '@daily',
  '0 0 31 4,6 *',
])('`%s` is no schedule', (text) => expect(parseCron(text)).toEqual({ problem: expect.any(String) }))

test('any five words are answered', () => {
  const word = fc.oneof(
    fc.string({ maxLength: 6 }),
    fc.constantFrom('*', '*/2', '1-5', 'mon', '99999999999', '0'),
  )
  fc.assert(
    fc.property(fc.array(word, { minLength: 5, maxLength: 5 }), (words) => void parseCron(words.join(' '))),
  )
})

test.each(['src/**', '*.ts', 'v[0-9]*', '{a,b}/c', '!docs/**', 'a\\[b'])('%s is a pattern', (pattern) =>
  expect(globProblem(pattern)).toBeNull(),
)
test.each(['', ' ', 'a[b', '{a,b', '/abs', 'a/../b', 'x'.repeat(501)])('`%s` is none', (pattern) =>
  expect(globProblem(pattern)).not.toBeNull(),
)
test('a star stays inside one part of a name', () => {
  expect(matchesGlob('release/1', 'release/*')).toBe(true)
  expect(matchesGlob('release/1/2', 'release/*')).toBe(false)
})

test.each([
  ['Europe/Berlin', true],
  ['UTC', true],
  ['Europe/Nowhere', false],
  ['europe/berlin', false],
  ['+01:00', false],
])('%s is a zone: %s', (name, good) => expect(isTimeZone(name)).toBe(good))
