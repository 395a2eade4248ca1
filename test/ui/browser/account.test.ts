import { afterAll, beforeAll, expect, test } from 'vitest'
import { accountIn, PASSWORD } from '../fake-account.ts'
import { fullWorld } from '../fake-house.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

test('who has no password is asked to set one, may do so later, and is asked no more', async () => {
  const world = fullWorld()
  accountIn(world).hasPassword = false
  await using visit = await house.visit(world)
  const { page } = visit
  await page.getByText('You have no password yet').waitFor()
  await page.getByRole('button', { name: 'Not now' }).click()
  expect(await page.getByText('You have no password yet').count()).toBe(0)
  await page.getByRole('link', { name: 'Account of ada' }).click()
  expect(await page.getByLabel('Present password').count()).toBe(0)
  await page.getByLabel('New password').fill('correct horse battery')
  await page.getByRole('button', { name: 'Set it' }).click()
  await page.getByText('The password is set').waitFor()
  await page.getByLabel('Present password').waitFor()
  expect(visit.complaints).toEqual([])
})

test('a password is changed by who knows the present one; the refusal stands beside the form', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/account' })
  const { page } = visit
  await page.getByLabel('Present password').fill('not this one')
  await page.getByLabel('New password').fill('quite another good one')
  await page.getByRole('button', { name: 'Change it' }).click()
  await page.getByRole('alert').getByText('The present password is another one').waitFor()
  await page.getByLabel('Present password').fill(PASSWORD)
  await page.keyboard.press('Enter')
  await page.getByText('The password is set').waitFor()
  expect(visit.complaints).toEqual([])
})

test('sessions are shown in the words of people, and ended', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/account' })
  const { page } = visit
  await page.getByText('Firefox on Linux').waitFor()
  await page.getByRole('button', { name: 'End the session in Chrome on Android' }).click()
  await page.getByText('Chrome on Android').waitFor({ state: 'detached' })
  expect(world.asked).toContain('DELETE /sessions/2')
  expect(visit.complaints).toEqual([])
})

test.each([1280, 390])('nothing on the page of the account is wider than a screen of %i', async (width) => {
  await using visit = await house.visit(fullWorld(), { path: '/account', width })
  await visit.page.getByText('Firefox on Linux').waitFor()
  expect(await visit.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
  await visit.page.getByRole('link', { name: 'Account of ada' }).waitFor()
})
