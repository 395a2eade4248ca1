import { afterAll, beforeAll, expect, test } from 'vitest'
import { LINK, TOKEN } from '../fake-api.ts'
import { PASSWORD } from '../fake-account.ts'
import { fullWorld } from '../fake-house.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

const signedOut = (path: string) => house.visit(fullWorld(), { path, isSignedIn: false })

test('a login link opens the door once, and its secret leaves the address', async () => {
  await using visit = await signedOut(`/login#${LINK}`)
  await visit.page.getByRole('heading', { name: 'shop' }).waitFor()
  expect(visit.page.url()).toBe(`${visit.server.url}/`)
  await visit.page.context().clearCookies()
  await visit.page.goto('/deliveries')
  await visit.page.goto(`/login#${LINK}`)
  await visit.page.getByRole('alert').getByText('takt login-link').waitFor()
  expect(visit.page.url()).not.toContain(LINK)
  expect(visit.complaints).toEqual([])
})

test('whoever is signed out is led to the login and back to where they wanted to go', async () => {
  await using visit = await signedOut('/deliveries')
  await visit.page.waitForURL('**/login?to=%2Fdeliveries')
  await visit.page.getByLabel('Name or e-mail').fill('ada')
  await visit.page.getByLabel('Password').fill(PASSWORD)
  await visit.page.keyboard.press('Enter')
  await visit.page.getByRole('heading', { name: 'Deliveries' }).waitFor()
  expect(new URL(visit.page.url()).pathname).toBe('/deliveries')
})

test('a wrong password is refused in words, and stays where it can be mended', async () => {
  await using visit = await signedOut('/login')
  await visit.page.getByLabel('Name or e-mail').fill('ada')
  await visit.page.getByLabel('Password').fill('nonsense')
  await visit.page.getByRole('button', { name: 'Sign in' }).click()
  expect(await visit.page.getByRole('alert').innerText()).toContain('do not open an account')
  expect(await visit.page.getByLabel('Name or e-mail').inputValue()).toBe('ada')
})

test('an API token opens the door, and one that the server does not know is refused in words', async () => {
  await using visit = await signedOut('/login')
  await visit.page.getByText('Sign in with an API token').click()
  await visit.page.getByLabel('API token').fill(TOKEN)
  await visit.page.getByRole('button', { name: 'Use the token' }).click()
  await visit.page.getByRole('heading', { name: 'shop' }).waitFor()
  await visit.page.context().clearCookies()
  await visit.page.goto('/login')
  await visit.page.getByText('Sign in with an API token').click()
  await visit.page.getByLabel('API token').fill('nonsense')
  await visit.page.getByRole('button', { name: 'Use the token' }).click()
  expect(await visit.page.getByRole('alert').innerText()).toContain('does not know this API token')
})

test('a login never leads to another site', async () => {
  await using visit = await signedOut(`/login?to=//evil.example/x#${LINK}`)
  await visit.page.getByRole('heading', { name: 'shop' }).waitFor()
  expect(visit.page.url()).toBe(`${visit.server.url}/`)
})

test('signing out ends at the login', async () => {
  await using visit = await house.visit(fullWorld())
  await visit.page.getByRole('button', { name: 'Sign out' }).click()
  await visit.page.getByLabel('Name or e-mail').waitFor()
})

test('a login elsewhere leaves for the provider; why it led back is said in words', async () => {
  await using visit = await signedOut('/login?to=/deliveries')
  await visit.page.getByRole('button', { name: 'Continue with GitHub' }).click()
  await visit.page.waitForURL('**/login?refused=no-account')
  await visit.page.getByRole('alert').getByText('Ask an admin for an invitation').waitFor()
  expect(visit.complaints).toEqual([])
})
