import { expect, test } from 'vitest'
import { keepSame } from '../../ui/lib/keep-same.ts'

const [a, b] = [
  { name: 'a', state: 'queued' },
  { name: 'b', state: 'queued' },
]

test('what says the same is the same thing still, what says something else is new', () => {
  const before = [a, b]
  const kept = keepSame(before, [{ ...a }, { ...b, state: 'running' }])
  expect(kept[0]).toBe(a)
  expect(kept[1]).toEqual({ name: 'b', state: 'running' })
  expect(keepSame(before, [{ ...a }, { ...b }]), 'and so are all of them together').toBe(before)
})

test('what is gone is gone, and another order is another order', () => {
  expect(keepSame([a, b], [{ ...b }])).toEqual([b])
  expect(keepSame([a, b], [{ ...b }, { ...a }])).toEqual([b, a])
})
