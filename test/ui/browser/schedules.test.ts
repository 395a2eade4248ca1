import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house[Symbol.asyncDispose]())

test('a schedule tells its next times there and here, what became of the last, and is paused', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/schedules' })
  const { page } = visit
  await page.getByText('2026-11-23 03:00').waitFor()
  expect(await page.getByRole('row').count()).toBe(6)
  await page.getByText('run 3 still ran').waitFor()
  await page.getByText('for 2 more that were missed').waitFor()
  expect(await page.getByRole('link', { name: 'fuzz #2 failed' }).getAttribute('href')).toBe('/runs/2')
  await page.getByRole('button', { name: 'Pause shop/nightly/at-three' }).click()
  await page.getByLabel('Reason').fill('the tests are red')
  await page.getByRole('button', { name: 'Pause', exact: true }).click()
  await page.getByText(/Paused by ada .*: the tests are red/).waitFor()
  await page.getByRole('button', { name: 'Resume shop/nightly/at-three' }).click()
  await page.getByRole('button', { name: 'Pause shop/nightly/at-three' }).waitFor()
  expect(world.asked).toContain('POST /projects/shop/pipelines/nightly/schedules/at-three/pause')
})
