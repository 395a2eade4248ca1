import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { sealingKeyIn } from '../fake-server-key.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

test('the sealing key is changed by an admin who was asked, and its way is shown to the end', async () => {
  const world = fullWorld()
  const before = sealingKeyIn(world).mark
  await using visit = await house.visit(world, { path: '/settings/server' })
  const { page } = visit
  await page.getByText(before).waitFor()
  await page.getByRole('button', { name: 'Change the key…' }).click()
  await page.getByRole('button', { name: 'Leave it' }).click()
  expect(sealingKeyIn(world).mark).toBe(before)
  await page.getByRole('button', { name: 'Change the key…' }).click()
  const dialog = page.getByRole('dialog', { name: 'Change the sealing key?' })
  await dialog.getByRole('button', { name: 'Change the key' }).click()
  await page.getByText('Done: 12 are sealed with it.').waitFor()
  expect(await page.getByText(before).count()).toBe(0)
  expect(world.asked.filter((asked) => asked === 'GET /server/key').length).toBeGreaterThan(3)
  expect(visit.complaints).toEqual([])
})

test('a key that people have to set first is refused in the server’s words', async () => {
  const world = fullWorld()
  const detail = 'set TAKT_SECRET_KEY to a new key on every server'
  const refusal = { status: 409, code: 'no-new-key', title: 'There is no new key', detail }
  world.refusals.set('POST /server/key/rotate', refusal)
  await using visit = await house.visit(world, { path: '/settings/server', width: 390 })
  await visit.page.getByRole('button', { name: 'Change the key…' }).click()
  await visit.page.getByRole('dialog').getByRole('button', { name: 'Change the key' }).click()
  await visit.page.getByText(detail).waitFor()
})

test('who is no admin of the server sees no key', async () => {
  const world = fullWorld()
  world.standing = 'member'
  await using visit = await house.visit(world, { path: '/settings/server' })
  await visit.page.getByText('While it lasts').waitFor()
  expect(world.asked).not.toContain('GET /server/key')
})
