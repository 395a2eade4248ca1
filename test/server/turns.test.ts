import { expect, test } from 'vitest'
import { Turns } from '../../server/webhooks/turns.ts'

test('whoever comes to many with long queues is next, and then has a turn as often as each of them', () => {
  const turns = new Turns<string>()
  const noisy = ['n1', 'n2', 'n3', 'n4', 'n5']
  const take = (waiting: readonly string[]) => {
    const [next = ''] = turns.order(waiting)
    turns.took(next)
    return next
  }
  for (let at = 0; at < 7; at++) take(noisy)
  const all = [...noisy, 'quiet']
  expect(Array.from({ length: 12 }, () => take(all))).toEqual([
    ...['quiet', 'n3', 'n4', 'n5', 'n1', 'n2'],
    ...['quiet', 'n3', 'n4', 'n5', 'n1', 'n2'],
  ])
})

test('among those who had no turn yet the oldest is first, and who comes one by one gets ahead of nobody', () => {
  const turns = new Turns<string>()
  expect(turns.order(['b', 'a'])).toEqual(['b', 'a'])
  turns.took('b')
  expect(turns.order(['b', 'a'])).toEqual(['a', 'b'])
  turns.took('a')
  expect(turns.order(['a'])).toEqual(['a'])
  expect(turns.order(['a', 'b'])).toEqual(['b', 'a'])
})
