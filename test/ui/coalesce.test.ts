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

test('after a rest a run starts soon, and those that follow wait again', async () => {
  const { endings, run } = runs()
  const taking = coalesce({ waitMs: 80, soonMs: 10, run, retryMs: () => null })
  const ask = async (withinMs: number) => {
    const before = endings.length
    taking.ask()
    await vi.advanceTimersByTimeAsync(withinMs - 1)
    expect(endings).toHaveLength(before)
    await vi.advanceTimersByTimeAsync(1)
    expect(endings).toHaveLength(before + 1)
    endings.at(-1)?.resolve()
    await vi.advanceTimersByTimeAsync(0)
  }
  await ask(10)
  await ask(80)
  await vi.advanceTimersByTimeAsync(400)
  await ask(80)
  await vi.advanceTimersByTimeAsync(401)
  await ask(10)
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
