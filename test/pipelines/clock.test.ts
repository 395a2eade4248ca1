import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { timeAfter, timesUntil } from '#pipelines/plan/clock.ts'

const after = (schedule: string, at: string, timezone = 'UTC') => {
  const found = timeAfter({ schedule, timezone }, Date.parse(at))
  return found === null ? null : new Date(found).toISOString().slice(0, 16)
}

describe('the next time of a schedule', () => {
  test.each([
    ['*/15 * * * *', '2026-11-21T10:00:00Z', '2026-11-21T10:15'],
    ['*/15 * * * *', '2026-11-21T10:14:59.999Z', '2026-11-21T10:15'],
    ['0 3 * * 1-5', '2026-11-20T03:00:00Z', '2026-11-23T03:00'],
    ['0 0 29 2 *', '2026-03-01T00:00:00Z', '2028-02-29T00:00'],
    ['0 0 29 2 *', '2096-03-01T00:00:00Z', '2104-02-29T00:00'],
    ['0 0 1,15 * 1', '2026-11-16T00:00:00Z', '2026-11-23T00:00'],
    ['59 23 31 12 *', '2026-12-31T23:59:00Z', '2027-12-31T23:59'],
    ['15m', '2026-11-21T10:02:03Z', '2026-11-21T10:17'],
  ])('%s after %s is %s', (schedule, at, next) => expect(after(schedule, at)).toBe(next))

  test.each([
    ['0 3 * * *', '2026-11-21T10:00:00Z', 'Europe/Berlin', '2026-11-22T02:00'],
    ['0 3 * * *', '2026-07-21T10:00:00Z', 'Europe/Berlin', '2026-07-22T01:00'],
    ['0 1 * * *', '2026-11-21T10:00:00Z', 'Pacific/Kiritimati', '2026-11-21T11:00'],
    ['0 9 1 * *', '2026-11-21T10:00:00Z', 'America/New_York', '2026-12-01T14:00'],
    ['30 5 * * *', '2026-11-21T10:00:00Z', 'Asia/Kathmandu', '2026-11-21T23:45'],
  ])('%s after %s in %s is %s', (schedule, at, zone, next) => expect(after(schedule, at, zone)).toBe(next))

  test.each([
    [
      'what no clock shows comes when clocks are put forward',
      '30 2 * * *',
      '2026-03-28T12:00:00Z',
      '2026-03-29T01:00',
    ],
    ['the day after it comes as ever', '30 2 * * *', '2026-03-29T01:00:00Z', '2026-03-30T00:30'],
    ['what clocks show twice comes once', '30 2 * * *', '2026-10-25T00:30:00Z', '2026-10-26T01:30'],
    ['what comes every hour comes in both', '30 * * * *', '2026-10-25T00:30:00Z', '2026-10-25T01:30'],
  ])('%s', (_, schedule, at, next) => expect(after(schedule, at, 'Europe/Berlin')).toBe(next))
})

test('of the times that have passed the last ones are kept', () => {
  const [fromMs, untilMs] = ['2026-11-21T00:00Z', '2026-11-21T05:30Z'].map((at) => Date.parse(at)) as [
    number,
    number,
  ]
  const schedule = { schedule: '0 * * * *', timezone: 'UTC' }
  const hours = (most: number) =>
    timesUntil(schedule, { fromMs, untilMs, most }).map((ms) => new Date(ms).getUTCHours())
  expect(hours(100)).toEqual([0, 1, 2, 3, 4, 5])
  expect(hours(2)).toEqual([4, 5])
  const spans = (most: number) =>
    timesUntil({ schedule: '2s', timezone: 'UTC' }, { fromMs: 1_000, untilMs: 8_000, most })
  expect(spans(100)).toEqual([1_000, 3_000, 5_000, 7_000])
  expect(spans(2)).toEqual([5_000, 7_000])
  expect(timesUntil({ schedule: '1s', timezone: 'UTC' }, { fromMs: 0, untilMs: 1e14, most: 3 }).length).toBe(
    3,
  )
})

test('of minutes that passed for twenty years the last ones are known at once', () => {
  const [fromMs, untilMs] = [Date.parse('2006-11-21T00:00Z'), Date.parse('2026-11-21T05:30:20Z')]
  const times = timesUntil({ schedule: '* * * * *', timezone: 'Europe/Berlin' }, { fromMs, untilMs, most: 3 })
  expect(times.map((ms) => new Date(ms).toISOString().slice(11, 16))).toEqual(['05:28', '05:29', '05:30'])
})

test('the last times that have passed are those that came one after the other, also where clocks are put on or back', () => {
  const minute = fc.integer({ min: 0, max: 6 * 24 * 60 }).map((minutes) => minutes * 60_000)
  const schedule = fc.constantFrom('*/20 * * * *', '30 2 * * *', '0 0 29 3 *', '15 1-3 * * 0', '0 0 31 1 *')
  const begun = fc.constantFrom('2026-03-26T00:00Z', '2026-10-22T00:00Z').map((at) => Date.parse(at))
  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe')
  fc.assert(
    fc.property(
      schedule,
      zone,
      begun,
      minute,
      minute,
      fc.integer({ min: 1, max: 40 }),
      (cron, timezone, base, one, other, most) => {
        const each = { schedule: cron, timezone }
        const fromMs = base + Math.min(one, other)
        const untilMs = base + Math.max(one, other)
        const all: number[] = []
        for (let at: number | null = fromMs; at !== null && at <= untilMs; at = timeAfter(each, at))
          all.push(at)
        expect(timesUntil(each, { fromMs, untilMs, most })).toEqual(all.slice(-most))
      },
    ),
  )
})
