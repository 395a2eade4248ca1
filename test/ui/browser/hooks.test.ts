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
  const form = page.getByRole('form', { name: 'Send an event of tracker' })
  await form.getByLabel('What it says').fill('[7]')
  await form.getByText('a JSON object').waitFor()
  expect(await form.getByRole('button', { name: 'Send it' }).isDisabled()).toBe(true)
  await form.getByLabel('What it says').fill('{"action":"opened"}')
  await form.getByRole('button', { name: 'Send it' }).click()
  await form.getByText('No resource asks for this').waitFor()
  await form.getByLabel('What it says').fill('{"action":"closed"}')
  await form.getByRole('button', { name: 'Send it' }).click()
  await form.getByText('main/ticket').waitFor()
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  expect(visit.complaints).toEqual([])
})

test('a resource that is looked for outside has an address for whoever knows when to look', async () => {
  const world = fullWorld()
  const line = world.line('shop', 'main')
  const resource = line?.resources.find(({ name }) => name === 'infra')
  const check = {
    every_ms: 60_000,
    checked_at: null,
    next_at: null,
    running: false,
    error: null,
    waits: null,
  }
  Object.assign(resource ?? {}, { check })
  await using visit = await house.visit(world, { path: '/p/shop/main?resource=infra', width: 390 })
  const panel = visit.page.getByRole('dialog', { name: 'infra' })
  await panel.getByText('Let others say when to look').click()
  await panel.getByText('/hooks/resources/shop/main/infra').waitFor()
  expect(await panel.getByText(secretOf('resource')).count()).toBe(0)
  await panel.getByRole('button', { name: 'Show the command that has infra looked for' }).click()
  await panel.getByText(`x-takt-token: ${secretOf('resource')}`).waitFor()
  expect(await panel.evaluate((at) => at.scrollWidth - at.clientWidth)).toBe(0)
  expect(visit.complaints).toEqual([])
})
