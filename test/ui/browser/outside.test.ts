import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { sourceEventsIn } from '../fake-sources.ts'
import { statusesIn } from '../fake-statuses.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

test('what a forge did not take says why and is sent again; a forge that does not answer is named', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/settings/organizations/default' })
  const { page } = visit
  await page.getByRole('link', { name: 'Statuses of shop' }).click()
  await page.getByText('github.com, by the server’s token').waitFor()
  await page.getByText('it knows no such repository or commit').waitFor()
  await page.getByText('tried 6 times in vain').waitFor()
  await page.getByRole('button', { name: 'Send now status 2' }).click()
  await page.getByRole('button', { name: 'Send now status 2' }).waitFor({ state: 'detached' })
  expect(statusesIn(world).map(({ state }) => state)).toEqual(['waiting', 'sent', 'sent'])
  await page.getByLabel('Show').selectOption('failed')
  await page.getByText('No such status.').waitFor()
  expect(visit.complaints).toEqual([])
})

test('sources say how they stand, and dead letters are replayed', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/settings/projects/shop/sources' })
  const { page } = visit
  await page.getByText('2 waiting, 1 dead letter').waitFor()
  await page.getByText('is not set for every run').waitFor()
  await page.getByLabel('Show').selectOption('dead')
  await page.getByText('176000001-0').waitFor({ state: 'detached' })
  await page.getByText('What it says').click()
  await page.getByText('{"event":"seven"}').waitFor()
  await page.getByRole('button', { name: 'Replay event 3' }).click()
  await page.getByText('No such event.').nth(1).waitFor()
  expect(sourceEventsIn(world).map(({ state }) => state)).toEqual([
    'received',
    'received',
    'ignored',
    'taken',
  ])
  expect(visit.complaints).toEqual([])
})
