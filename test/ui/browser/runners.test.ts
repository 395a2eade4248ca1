import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house[Symbol.asyncDispose]())

test('each runner shows its state, why it takes no work, and what it runs', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/runners' })
  const card = (name: string) =>
    visit.page.getByRole('listitem').filter({ has: visit.page.getByRole('heading', { name }) })
  await card('bench-1').getByText('2 of 3 slots busy, grows to 8').waitFor()
  expect(await card('bench-1').getByRole('link').allInnerTexts()).toEqual([
    'shop/main/integration #12',
    'shop/nightly/a-job-with-quite-a-long-name-that-must-fit #3',
  ])
  await card('bench-2').getByText('Docker does not answer').waitFor()
  await card('bench-3')
    .getByText(/paused by ada .*: new disk/)
    .waitFor()
  await card('laptop').getByText('no isolation').waitFor()
})

test('a person pauses a runner with a reason, lets it go on, and reads what happened', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/runners' })
  const { page } = visit
  await page.getByRole('button', { name: 'Pause bench-1' }).click()
  await page.getByLabel('Reason').fill('new kernel')
  await page.getByRole('button', { name: 'Pause', exact: true }).click()
  await page.getByText(/paused by ada .*: new kernel/).waitFor()
  expect(world.asked).toContain('POST /runners/bench-1/pause')
  await page.getByRole('button', { name: 'Resume bench-1' }).click()
  await page.getByRole('button', { name: 'Drain bench-1' }).waitFor()
  await page.getByRole('button', { name: 'Events of bench-1' }).click()
  await page.getByText('every slot was busy and a run waited').waitFor()
  await page.getByRole('button', { name: 'Reset bench-2' }).click()
  await page.getByText('mend it and reset').waitFor()
  expect(world.asked).toContain('POST /runners/bench-2/reset')
  expect(visit.complaints).toEqual([])
})

test.each([1280, 390])('nothing on the page of runners is wider than a screen of %i', async (width) => {
  await using visit = await house.visit(fullWorld(), { path: '/runners', width })
  await visit.page.getByText('mend it and reset').waitFor()
  expect(await visit.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
})

test('the bar says when no runner takes new work, and what each of them is', async () => {
  const world = fullWorld()
  const [first, second] = world.server.runners
  if (!first || !second) throw new Error('too few runners')
  const runners = [
    { ...first, state: 'paused' as const },
    { ...second, state: 'draining' as const },
  ]
  world.server = { ...world.server, runners }
  await using visit = await house.visit(world, { path: '/schedules' })
  await visit.page.getByText('takes new work').click()
  await visit.page.getByText(/^bench-1\s+2 of 3 busy\s+paused$/).waitFor()
  await visit.page.getByText(/^bench-2.*draining$/s).waitFor()
  expect(visit.complaints).toEqual([])
})
