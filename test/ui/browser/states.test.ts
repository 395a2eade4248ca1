import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { raceIn, statesIn } from '../fake-states.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

const newest = (world: ReturnType<typeof fullWorld>, name: string) =>
  statesIn(world).find((kept) => kept.name === name)?.past[0]

test('what a job remembers is looked at, edited with a reason, compared and restored', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/p/shop/main?job=build' })
  const { page } = visit
  await page.getByRole('link', { name: 'State', exact: true }).last().click()
  await page.getByText('A run is under way').waitFor()
  await page.getByRole('button', { name: 'Look at cache/blob' }).click()
  await page.getByText('It is no text').waitFor()
  await page.getByRole('button', { name: 'Look at cache/index.json' }).click()
  await page.getByText('"modules": 41').waitFor()
  await page.getByRole('button', { name: 'Edit cache/index.json' }).click()
  const form = page.getByRole('form', { name: 'Edit cache/index.json' })
  await form.getByLabel('New content').fill('{}')
  await form.getByLabel('Reason').fill('start afresh')
  await form.getByRole('button', { name: 'Save' }).click()
  await form.waitFor({ state: 'detached' })
  expect(newest(world, 'build')).toMatchObject({
    version: 3,
    reason: 'start afresh',
    files: { 'cache/index.json': '{}' },
  })
  await page.getByRole('button', { name: 'What changed since version 1' }).click()
  await page.getByText('- "modules": 40').or(page.getByText('-  "modules": 40')).first().waitFor()
  await page.getByRole('button', { name: 'Restore version 1' }).click()
  await page.getByLabel('Reason').fill('a mistake')
  await page.getByRole('button', { name: 'Restore it' }).click()
  await page.getByText('version 1 again').waitFor()
  expect(newest(world, 'build')).toMatchObject({ version: 4, restored: 1, reason: 'a mistake' })
  expect(visit.complaints).toEqual([])
})

test('somebody who was quicker is told of with what both wrote, and nothing is overwritten unseen', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/p/shop/main/state' })
  const { page } = visit
  await page.getByRole('link', { name: 'settings', exact: true }).click()
  await page.getByRole('button', { name: 'Edit REGION' }).click()
  const form = page.getByRole('form', { name: 'Edit REGION' })
  await form.getByLabel('New content').fill('us-east-1')
  await form.getByLabel('Reason').fill('nearer')
  raceIn(world, 'REGION', 'ap-south-1')
  await form.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('alert').getByText('it is at version 3').waitFor()
  await form.getByText('ap-south-1').waitFor()
  expect(await form.getByLabel('New content').inputValue()).toBe('us-east-1')
  expect(newest(world, 'settings')?.keys['REGION']).toBe('ap-south-1')
  await form.getByRole('button', { name: 'Save mine over it' }).click()
  await form.waitFor({ state: 'detached' })
  expect(newest(world, 'settings')).toMatchObject({ version: 4, keys: { REGION: 'us-east-1', SIZE: '4' } })
  await page.getByRole('button', { name: 'Add a key' }).click()
  const add = page.getByRole('form', { name: 'Add a key' })
  await add.getByLabel('Key').fill('COLOUR')
  await add.getByLabel('Value').fill('green')
  await add.getByLabel('Reason').fill('new')
  await add.getByRole('button', { name: 'Add it' }).click()
  await page.getByRole('button', { name: 'Remove COLOUR' }).click()
  const remove = page.getByRole('form', { name: 'Remove COLOUR' })
  await remove.getByLabel('Reason').fill('not now')
  await remove.getByRole('button', { name: 'Remove it' }).click()
  await remove.waitFor({ state: 'detached' })
  expect(newest(world, 'settings')).toMatchObject({ version: 6, keys: { REGION: 'us-east-1', SIZE: '4' } })
  expect(visit.complaints).toEqual([])
})
