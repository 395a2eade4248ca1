import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { coalesce } from '../../ui/lib/coalesce.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Runs that end when told, one at a time. */
function runs() {
  const endings: PromiseWithResolvers<void>[] = []
  const run = () => {
    const ending = Promise.withResolvers<void>()
    endings.push(ending)
    return ending.promise
  }
  return { endings, run }
}

test('many asks are one run', async () => {
  const { endings, run } = runs()
  const taking = coalesce({ waitMs: 80, run, retryMs: () => null })
  for (let at = 0; at < 10; at++) taking.ask()
  await vi.advanceTimersByTimeAsync(80)
  expect(endings).toHaveLength(1)
})

test('asks during a run lead to one more after it, never beside it', async () => {
  const { endings, run } = runs()
  const taking = coalesce({ waitMs: 80, run, retryMs: () => null })
  taking.now()
  await vi.advanceTimersByTimeAsync(0)
  taking.ask()
  taking.ask()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(endings).toHaveLength(1)
  endings[0]?.resolve()
  await vi.advanceTimersByTimeAsync(80)
  expect(endings).toHaveLength(2)
})

test('a run that throws is tried again after the time it is given', async () => {
  const { endings, run } = runs()
  const failures: number[] = []
  const taking = coalesce({ waitMs: 80, run, retryMs: (count) => (failures.push(count), 500) })
  taking.now()
  await vi.advanceTimersByTimeAsync(0)
  endings[0]?.reject(new Error('no network'))
  await vi.advanceTimersByTimeAsync(499)
  expect(endings).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(endings).toHaveLength(2)
  expect(failures).toEqual([0])
})

test('after a stop nothing runs', async () => {
  const { endings, run } = runs()
  const taking = coalesce({ waitMs: 80, run, retryMs: () => 1 })
  taking.ask()
  taking.stop()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(endings).toHaveLength(0)
})
