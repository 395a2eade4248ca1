import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { noticesIn } from '../fake-notices.ts'
import { valuesIn } from '../fake-values.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

test('values are added, changed as they were seen, looked back at and removed', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/settings/organizations/default' })
  const { page } = visit
  await page.getByRole('link', { name: 'Values of shop' }).click()
  await page.getByText('linus-with').or(page.getByText('deploy.colour')).first().waitFor()
  const form = page.getByRole('form', { name: 'Add a value' })
  await form.getByLabel('Key').fill('lock')
  await form.getByLabel('Value').fill('mine')
  await form.getByRole('button', { name: 'Add the value' }).click()
  await page.getByRole('button', { name: 'Change lock' }).click()
  const change = page.getByRole('form', { name: 'Change lock' })
  await change.getByLabel('New value').fill('too late')
  await change.getByRole('button', { name: 'Set it' }).click()
  await page.getByRole('alert').getByText('it is at version 3').waitFor()
  expect(await change.getByLabel('New value').inputValue()).toBe('too late')
  await change.getByLabel('New value').fill('yours')
  await change.getByRole('button', { name: 'Set it' }).click()
  await change.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'History of lock' }).click()
  await page.getByRole('list', { name: 'What lock was' }).getByText('mine').waitFor()
  const remove = page.getByRole('button', { name: 'Remove lock' })
  await remove.click()
  await remove.click()
  await remove.waitFor({ state: 'detached' })
  expect(
    valuesIn(world)
      .get('lock')
      ?.map(({ value }) => value),
  ).toEqual([null, 'yours', 'mine'])
  expect(visit.complaints).toEqual([])
})

test('a value that is a whole number is counted up and down, and no other is', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/settings/projects/shop/values', width: 390 })
  const { page } = visit
  await page.getByRole('button', { name: '+1 to deploys' }).click()
  await page.getByText('42', { exact: true }).waitFor()
  await page.getByRole('button', { name: '−1 to deploys' }).click()
  await page.getByText('41', { exact: true }).waitFor()
  expect(await page.getByRole('button', { name: '+1 to deploy.colour' }).count()).toBe(0)
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  expect(visit.complaints).toEqual([])
})

test('a notice that did not arrive is sent again, and a rule is tried out', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/settings/projects/shop/notices' })
  const { page } = visit
  await page.getByText('no such mailbox').waitFor()
  await page.getByText('Not yet: the server sends no mail').waitFor()
  await page.getByText('and 21 more').waitFor()
  await page.getByRole('button', { name: 'Send now notice 2' }).click()
  await page.getByRole('button', { name: 'Send now notice 2' }).waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Send a test to slack #shop' }).click()
  await page.getByText('A test.').waitFor()
  expect(noticesIn(world).map(({ state }) => state)).toEqual(['sent', 'waiting', 'sent', 'sent'])
  await page.getByLabel('Show').selectOption('dead')
  await page.getByText('No such message.').waitFor()
  expect(visit.complaints).toEqual([])
})
