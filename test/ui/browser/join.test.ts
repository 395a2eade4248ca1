import { afterAll, beforeAll, expect, test } from 'vitest'
import { INVITATION } from '../fake-account.ts'
import { fullWorld } from '../fake-house.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

test('an invitation says what it offers, and makes an account; its secret leaves the address', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: `/join#${INVITATION}`, isSignedIn: false })
  const { page } = visit
  await page.getByText('grace invites you to acme, as operator, in the team ship').waitFor()
  expect(page.url()).toBe(`${visit.server.url}/join`)
  await page.getByLabel('Name').fill('ada')
  await page.getByLabel('Password').fill('correct horse battery')
  await page.getByRole('button', { name: 'Join' }).click()
  await page.getByRole('heading', { name: 'shop' }).waitFor()
  expect(visit.complaints).toEqual([])
})

test('who is signed in joins with the account they have', async () => {
  await using visit = await house.visit(fullWorld(), { path: `/join#${INVITATION}` })
  await visit.page.getByRole('button', { name: 'Join as ada' }).click()
  await visit.page.getByRole('heading', { name: 'shop' }).waitFor()
})

test('a link that opens nothing says so', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/join#other', isSignedIn: false })
  await visit.page.getByRole('alert').getByText('There is no such invitation').waitFor()
  expect(await visit.page.getByLabel('Name').count()).toBe(0)
})
