import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { servicesIn } from '../fake-services.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

test('services are declared, changed as they are written, and removed', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/settings/organizations/default' })
  const { page } = visit
  await page.getByRole('link', { name: 'Services of shop' }).click()
  await page.getByText('Bearer $(secret.DEPLOY_TOKEN)').waitFor()
  const form = page.getByRole('form', { name: 'Declare a service' })
  await form.getByLabel('Name').fill('pager')
  await form.getByLabel('Address').fill('https://pager.acme.example?x=1')
  await form.getByLabel('Headers').fill('no colon')
  await form.getByText('“no colon” has no colon').waitFor()
  expect(await form.getByRole('button', { name: 'Declare the service' }).isDisabled()).toBe(true)
  await form.getByLabel('Headers').fill('X-Key: $(secret.PAGER)')
  await form.getByRole('button', { name: 'Declare the service' }).click()
  await page.getByRole('alert').getByText('the address has').waitFor()
  await form.getByLabel('Address').fill('https://pager.acme.example')
  await form.getByRole('button', { name: 'Declare the service' }).click()
  await page.getByRole('button', { name: 'Change pager' }).click()
  const change = page.getByRole('form', { name: 'Change pager' })
  expect(await change.getByLabel('Headers').inputValue()).toBe('X-Key: $(secret.PAGER)')
  await change.getByLabel('Headers').fill('X-Key: $(secret.PAGER)\nX-Team: shop')
  await change.getByRole('button', { name: 'Save' }).click()
  await change.waitFor({ state: 'detached' })
  expect(servicesIn(world).get('pager')).toMatchObject({
    url: 'https://pager.acme.example',
    headers: { 'X-Key': '$(secret.PAGER)', 'X-Team': 'shop' },
  })
  const remove = page.getByRole('button', { name: 'Remove pager' })
  await remove.click()
  await remove.click()
  await remove.waitFor({ state: 'detached' })
  expect(servicesIn(world).has('pager')).toBe(false)
  expect(visit.complaints).toEqual([])
})

test('on a phone every page is led to, and none is wider than the screen', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/', width: 390 })
  const { page } = visit
  for (const [words, landmark] of [
    ['Schedules', 'Comes next'],
    ['Deliveries', 'became of each'],
    ['Settings', 'there it is said'],
  ] as const) {
    await page.getByText('More', { exact: true }).click()
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: words }).click()
    await page.getByText(landmark).first().waitFor()
    expect(
      await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: words }).count(),
    ).toBe(0)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  }
  expect(visit.complaints).toEqual([])
})
