import { afterAll, beforeAll, expect, test } from 'vitest'
import { accountIn, PASSWORD, SECRET } from '../fake-account.ts'
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

test('a token is made with bounds, shown once with what copies it, and ended', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/account' })
  const { page } = visit
  await page.getByText('The token nightly-report ends soon').waitFor()
  await page.getByText('at most viewer, in shop alone').waitFor()
  await page.getByLabel('What it is for').fill('laptop')
  await page.getByRole('button', { name: 'Make a token' }).click()
  await page.getByRole('alert').getByText('exists already').waitFor()
  await page.getByLabel('What it is for').fill('ci')
  await page.getByLabel('It may').selectOption('operator')
  await page.getByRole('button', { name: 'Make a token' }).click()
  await page.getByText(SECRET).waitFor()
  await page.getByRole('button', { name: 'Copy the token' }).waitFor()
  await page.reload()
  await page.getByText('at most operator · ends').waitFor()
  expect(await page.getByText(SECRET).count()).toBe(0)
  await page.getByRole('button', { name: 'End the token ci' }).click()
  await page.getByText('at most operator · ends').waitFor({ state: 'detached' })
  expect(visit.complaints).toEqual([])
})

test('linked logins are told; the last way in is kept, in words', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/account' })
  const { page } = visit
  await page.getByText('you are ada-on-github there').waitFor()
  await page.getByRole('button', { name: 'Link Acme' }).waitFor()
  await page.getByRole('button', { name: 'Unlink GitHub' }).click()
  await page.getByRole('alert').getByText('set a password first').waitFor()
  expect(visit.complaints).toEqual([])
})

test('an admin shuts somebody out on second thought, lets them in again, and makes a link', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/users' })
  const { page } = visit
  const shut = page.getByRole('button', { name: 'Shut out eve' })
  await shut.click()
  expect(world.asked).not.toContain('POST /users/eve/disable')
  await shut.click()
  await page.getByRole('button', { name: 'Let eve in again' }).click()
  await shut.waitFor()
  await page.getByRole('button', { name: 'Login link for eve' }).click()
  await page.getByText('http://takt.example/login#once').waitFor()
  expect(visit.complaints).toEqual([])
})

test.each([
  ['/account', 1280],
  ['/account', 390],
  ['/users', 390],
] as const)('nothing on %s is wider than a screen of %i', async (path, width) => {
  await using visit = await house.visit(fullWorld(), { path, width })
  await visit.page
    .getByText(path === '/account' ? 'nightly-report ends soon' : 'program of default')
    .waitFor()
  expect(await visit.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
})
