import { afterAll, beforeAll, expect, test } from 'vitest'
import { secretOf } from '../fake-hooks.ts'
import { fullWorld } from '../fake-house.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

test('the webhooks of a project are led to, and a secret is on the screen only when somebody asks', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/settings/organizations/default' })
  const { page } = visit
  await page.getByRole('link', { name: 'Webhooks of shop' }).click()
  await page.getByText('Registry of images').click()
  await page.getByText('https://takt.acme.example/hooks/registry?project=shop').waitFor()
  expect(await page.getByText(secretOf('registry')).count()).toBe(0)
  await page.getByRole('button', { name: 'Show the secret of Registry of images' }).click()
  await page.getByText(secretOf('registry')).waitFor()
  await page.getByText('Any other git server').click()
  await page.getByText("git config takt.secret '••••").waitFor()
  expect(await page.getByText(secretOf('git')).count()).toBe(0)
  expect(visit.complaints).toEqual([])
})

test('a source of one’s own has an address, a secret and a command that signs', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/settings/projects/shop/hooks', width: 390 })
  const { page } = visit
  await page.getByRole('textbox', { name: 'Source' }).fill('tracker')
  await page.getByRole('button', { name: 'Show its address' }).click()
  await page.getByText('https://takt.acme.example/hooks/events?project=shop&source=tracker').first().waitFor()
  await page.getByText('openssl dgst').waitFor()
  expect(await page.getByText(secretOf('events').slice('whsec_'.length)).count()).toBe(0)
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  expect(visit.complaints).toEqual([])
})
