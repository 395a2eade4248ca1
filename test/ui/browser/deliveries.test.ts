import { afterAll, beforeAll, test } from 'vitest'
import { until } from '../../support/until.ts'
import { fullWorld } from '../fake-house.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

test('a delivery tells what became of it and can be replayed', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/deliveries' })
  await visit.page.getByText('the pipeline listens to main').waitFor()
  await visit.page.getByRole('button', { name: 'Replay delivery 3' }).click()
  await until(() => world.asked.includes('POST /deliveries/3/replay'))
  await visit.page.getByLabel('What became of it').selectOption('refused')
  await visit.page.getByLabel('Project').fill('shop')
  await visit.page.getByRole('button', { name: 'Find' }).click()
  await visit.page.waitForURL('**/deliveries?project=shop&state=refused')
  await visit.page.getByRole('button', { name: 'Compare refs now' }).click()
  await visit.page.getByText('are compared; what nobody told of').waitFor()
  await visit.page.goto('/deliveries/2')
  await visit.page.getByText('"refs/heads/main"').waitFor()
  await visit.page.getByRole('link', { name: 'shop/main: lint' }).waitFor()
  await visit.page.getByRole('button', { name: 'Replay' }).click()
  await until(() => world.asked.includes('POST /deliveries/2/replay'))
})
