import { expect, test } from 'vitest'
import { retryAfterMs } from '../../server/http/retry-after.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const DAY_MS = 24 * 3_600_000

test.each([
  ['seconds', '120', 120_000],
  ['seconds with blanks around them', ' 7 ', 7_000],
  ['none at all', '0', 0],
  ['a date', 'Sun, 22 Nov 2026 12:01:30 GMT', 90_000],
  ['a date of the older form', 'Sunday, 22-Nov-26 12:00:05 GMT', 5_000],
  ['a date that is over', 'Sat, 21 Nov 2026 12:00:00 GMT', 0],
  ['more than a day, of which it gets a day', '999999999', DAY_MS],
  ['a date years away', 'Tue, 22 Nov 2033 12:00:00 GMT', DAY_MS],
])('who asks by `Retry-After` for %s is left alone so long', (_, header, ms) =>
  expect(retryAfterMs(header, NOW)).toBe(ms),
)

test.each([
  null,
  '',
  '-5',
  '1.5',
  'Sun, 2033',
  'soon',
  '2033-11-22T12:00:00Z',
  'Xyz, 99 Foo 2033 12:00:00 GMT',
])('`Retry-After: %s` asks for nothing', (header) => expect(retryAfterMs(header, NOW)).toBeNull())
