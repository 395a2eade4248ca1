import { expect, test } from 'vitest'
import { backoffMs } from '#pipelines/backoff.ts'

test.each([
  [0, 500],
  [1, 1_000],
  [4, 8_000],
  [5, 10_000],
  [1_000_000, 10_000],
])('what failed %i times before is left alone twice as long each time, and not for ever', (before, ms) =>
  expect(backoffMs(before, { firstMs: 500, mostMs: 10_000 })).toBe(ms),
)
