import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

test('a badge is looked at and copied, of the whole line or of one job on one lane', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/p/shop/main', width: 390 })
  const { page, server } = visit
  await page.getByRole('button', { name: 'Badge' }).click()
  const dialog = page.getByRole('dialog', { name: 'Badge of main' })
  const image = `${server.url}/api/v1/projects/shop/pipelines/main/badge.svg`
  await dialog.getByText(`[![main](${image})](${server.url}/p/shop/main)`, { exact: true }).waitFor()
  await dialog.getByText(`${server.url}/cctray.xml`).waitFor()
  await dialog.getByLabel('Lane').selectOption('main')
  await dialog.getByLabel('Of', { exact: true }).selectOption('build')
  const wanted = 'lane=main&job=build'
  await dialog
    .getByText(`[![build](${image}?${wanted})](${server.url}/p/shop/main?lane=main&job=build)`, {
      exact: true,
    })
    .waitFor()
  await expect.poll(() => world.asked).toContain(`badge ?${wanted}`)
  await expect
    .poll(() =>
      dialog
        .getByRole('img', { name: 'How shop/main/build stands now' })
        .evaluate((at) => Reflect.get(at, 'naturalWidth')),
    )
    .toBe(120)
  expect(await dialog.evaluate((at) => at.scrollWidth - at.clientWidth)).toBe(0)
  await dialog.getByRole('button', { name: 'Close' }).click()
  await dialog.waitFor({ state: 'detached' })
  expect(visit.complaints).toEqual([])
})
