import { afterAll, beforeAll, expect, test } from 'vitest'
import { endOneMore } from '../fake-charts.ts'
import { fullWorld } from '../fake-house.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house[Symbol.asyncDispose]())

test('a project’s metrics are reached from its lines, looked at over a range, and kept in the address', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/p/shop/main' })
  const { page } = visit
  await page.getByRole('main').getByRole('link', { name: 'Metrics' }).click()
  await page.getByRole('heading', { name: 'Metrics of shop' }).waitFor()
  await page.getByRole('link', { name: '30 days' }).click()
  await page.waitForURL('**/charts?project=shop&range=30d')
  await page.getByRole('link', { name: 'integration' }).first().waitFor()
  await page.getByText('Flaky in').waitFor()
  await page.goBack()
  await page.waitForURL('**/charts?project=shop')
  expect(visit.complaints).toEqual([])
})

test('each chart is a table as well', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/charts?project=shop' })
  const { page } = visit
  await page.getByText('As a table: Runs').click()
  const table = page.getByRole('region', { name: 'Runs as a table' })
  await table.getByRole('columnheader', { name: 'green' }).waitFor()
  expect(await table.getByRole('row').count()).toBe(8)
  expect(await table.getByRole('columnheader').first().textContent()).toBe('Day (UTC)')
})

test('a run that ends is counted while one looks, and nothing moves', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/charts?project=shop' })
  const { page } = visit
  const runs = page.locator('.tiles div', { hasText: 'Runs' }).locator('.big')
  await runs.waitFor()
  const before = Number((await runs.textContent())!.replace(/\D/g, ''))
  const chart = page.getByRole('figure', { name: 'Duration' })
  const place = await chart.boundingBox()
  const running = [...world.runs.values()].find((run) => run.state === 'running' && run.project === 'shop')!
  endOneMore(world)
  world.move(running, 'succeeded')
  await page.locator('.tiles .big', { hasText: new RegExp(`^${before + 1}$`) }).waitFor()
  expect(await chart.boundingBox()).toEqual(place)
})

test('where no run has ended, the page says how it fills', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/charts?project=handbook' })
  await visit.page.getByText('Charts fill by themselves').waitFor()
  await visit.page.getByRole('link', { name: 'look at 90 days' }).click()
  await visit.page.waitForURL('**/charts?project=handbook&range=90d')
})
