import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

test('the audit log tells who did what, how often, and what a setting was before and is now', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/account' })
  const { page } = visit
  await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'Audit log' }).click()
  await page.getByText('/session as ada, 41 times').waitFor()
  expect(await page.getByText('"public": true').isVisible()).toBe(false)
  await page.getByText('project.change').click()
  await page.getByText('"public": true').waitFor()
  await page.getByText('cli, laptop').waitFor()
  expect(visit.complaints).toEqual([])
})

test('older entries are shown below, and the address says what was looked for', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/audit' })
  const { page } = visit
  await page.getByRole('listitem').nth(2).waitFor()
  expect(await page.getByRole('listitem').count()).toBe(3)
  await page.getByRole('button', { name: 'Show older entries' }).click()
  await page.getByRole('listitem').nth(3).waitFor()

  await page.getByLabel('Outcome').selectOption('denied')
  await page.getByRole('button', { name: 'Find' }).click()
  await page.waitForURL('**/audit?outcome=denied')
  await page.getByText('look for a slip of the pen').waitFor()
  expect(await page.getByRole('listitem').count()).toBe(1)
  expect(await page.getByRole('link', { name: 'CSV' }).getAttribute('href')).toBe(
    '/api/v1/audit/export?outcome=denied&format=csv',
  )
  await page.getByLabel('Who').fill('eve')
  await page.keyboard.press('Enter')
  await page.getByText('No such entries').waitFor()
  await page.goBack()
  await page.getByText('look for a slip of the pen').waitFor()
  expect(visit.complaints).toEqual([])
})
