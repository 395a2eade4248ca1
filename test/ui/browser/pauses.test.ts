import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

test('a line is paused with a reason that everybody reads, and goes on by a button', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/p/shop/main' })
  const { page } = visit
  await page.getByRole('button', { name: 'Pause the line…' }).click()
  await page.getByLabel('Reason').fill('the cluster moves')
  await page.getByRole('button', { name: 'Pause', exact: true }).click()
  await page.getByText('Paused by ada', { exact: true }).waitFor()
  await page.getByText('the cluster moves', { exact: true }).waitFor()
  await using home = await house.visit(world)
  await home.page.getByText('the whole line, by ada: the cluster moves').waitFor()
  await page.getByRole('button', { name: 'Let the line go on' }).click()
  await page.getByRole('button', { name: 'Pause the line…' }).waitFor()
  await home.page.getByText('the whole line, by ada').waitFor({ state: 'detached' })
  expect(visit.complaints).toEqual([])
})

test('the front page tells in words which jobs of a line are paused', async () => {
  await using visit = await house.visit(fullWorld())
  const line = visit.page
    .getByRole('listitem')
    .filter({ has: visit.page.getByText('paused', { exact: true }) })
  await line.getByText('production', { exact: true }).waitFor()
})

test('whoever may not pause a line reads why it stands and is offered nothing', async () => {
  const world = fullWorld()
  const shop = world.line('shop', 'main')
  if (!shop) throw new Error('no line')
  world.standing = 'member'
  Object.assign(shop, {
    role: 'viewer',
    paused: { by: 'Grace', reason: 'audit', at: new Date().toISOString() },
  })
  await using visit = await house.visit(world, { path: '/p/shop/main' })
  await visit.page.getByText('Paused by Grace', { exact: true }).waitFor()
  expect(await visit.page.getByRole('button', { name: /the line/ }).count()).toBe(0)
})

test('a resource is paused in its panel', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/p/shop/main?resource=infra' })
  const panel = visit.page.getByRole('dialog', { name: 'infra' })
  await panel.getByRole('button', { name: 'Pause infra…' }).click()
  await panel.getByLabel('Reason').fill('the mirror lies')
  await panel.getByRole('button', { name: 'Pause', exact: true }).click()
  await panel.getByText('Paused by ada', { exact: true }).waitFor()
  await panel.getByRole('button', { name: 'Let infra go on' }).click()
  await panel.getByRole('button', { name: 'Pause infra…' }).waitFor()
  expect(visit.complaints).toEqual([])
})

test('an admin begins the maintenance of the server with a reason that stands on every page, and ends it', async () => {
  const world = fullWorld()
  await using elsewhere = await house.visit(world, { path: '/p/shop/main' })
  await elsewhere.page.getByRole('heading', { name: 'Runs on main' }).waitFor()
  await using visit = await house.visit(world, { path: '/settings/server' })
  const { page } = visit
  await page.getByRole('button', { name: 'Begin maintenance…' }).click()
  await page.getByLabel('Reason').fill('new disks')
  await page.getByRole('button', { name: 'Begin', exact: true }).click()
  await page.getByText('In maintenance, by ada').waitFor()
  await elsewhere.page.getByText('The whole server is in maintenance').waitFor()
  await elsewhere.page.getByText('new disks (by ada').waitFor()
  await page.getByRole('button', { name: 'End the maintenance' }).click()
  await elsewhere.page.getByText('The whole server is in maintenance').waitFor({ state: 'detached' })
  expect(visit.complaints).toEqual([])
})

test('what is removed is listed with its last run, and deleted for good by its typed name only', async () => {
  const world = fullWorld()
  const removed_at = new Date().toISOString()
  world.removed = [
    ...[
      { of: 'job' as const, pipeline: 'main', name: 'canary', removed_at, commit: null, deleting: false },
    ].map((one) => ({ ...one, newest_run: { id: 1, number: 7 } })),
  ]
  await using visit = await house.visit(world, { path: '/p/shop/main' })
  const removed = visit.page.getByRole('region', { name: 'Removed' })
  await removed.getByRole('link', { name: 'last run #7' }).waitFor()
  await removed.getByRole('button', { name: 'Delete the history of canary…' }).click()
  const sure = removed.getByRole('button', { name: 'Delete for good' })
  await removed.getByRole('textbox').fill('canar')
  expect(await sure.isDisabled()).toBe(true)
  await removed.getByRole('textbox').fill('canary')
  await sure.click()
  await removed.waitFor({ state: 'detached' })
  expect(visit.complaints).toEqual([])
})
