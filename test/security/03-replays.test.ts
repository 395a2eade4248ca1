import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { github, pushOf, settled } from '../support/github.ts'
import { startHouse } from '../support/server.ts'

test('a delivery told twice is one delivery, by its number and by its signature', async () => {
  await using house = await startHouse()
  const body = pushOf('https://github.com/acme/shop.git', 'a'.repeat(40))
  const id = randomUUID()
  expect((await github(house, body, { id })).body.duplicate).toBe(false)
  expect((await github(house, body, { id })).body).toEqual({ delivery: null, duplicate: true })
  expect((await github(house, body, { id: randomUUID() })).body.duplicate).toBe(true)
  expect((await github(house, body.replace('main', 'next'), { id })).body.duplicate).toBe(true)
  expect(await settled(house, 1)).toHaveLength(1)
})

test('of many copies at the same moment, each under a number of its own, one is stored', async () => {
  await using house = await startHouse()
  const body = pushOf('https://github.com/acme/shop.git', 'a'.repeat(40))
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => github(house, body, { id: randomUUID() })),
  )
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202))
  expect(answers.filter((answer) => answer.body.duplicate === false)).toHaveLength(1)
  expect(await settled(house, 1)).toHaveLength(1)
})
