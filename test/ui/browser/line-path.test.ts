import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { hex } from '../fake-stories.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

const SHA = hex(11)

describe('the way of a commit', () => {
  test('is asked for on the line, has an address, and tells at each node how far it came', async () => {
    await using visit = await house.visit(fullWorld(), { path: '/p/shop/main' })
    await visit.page
      .getByRole('searchbox', { name: 'Follow a commit through this line' })
      .fill(SHA.slice(0, 6))
    await visit.page.keyboard.press('Enter')
    await visit.page.waitForURL(`**/p/shop/main?version=${SHA.slice(0, 6)}`)
    await visit.page.getByRole('status').getByText('It reached 9 of 12 jobs on its way').waitFor()
    const graph = visit.page.getByRole('group', { name: 'as a graph' })
    const node = (name: string) =>
      graph.locator('.node', { has: visit.page.getByRole('link', { name, exact: true }) })
    await node('build').getByText('succeeded').waitFor()
    await node('build').getByRole('link', { name: '#7' }).waitFor()
    await node('integration').getByText('waits for run 4 of the concurrency group').waitFor()
    await node('smoke').getByText('not reached').waitFor()
    await node('infra').getByText('not on its way').waitFor()
    await visit.page.getByRole('link', { name: 'Show the whole line' }).click()
    await node('infra').getByText('only').waitFor()
    expect(visit.complaints).toEqual([])
  })

  test('is followed live, and stays while a panel is opened and closed', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world, { path: `/p/shop/main?version=${SHA}` })
    const graph = visit.page.getByRole('group', { name: 'as a graph' })
    await graph.locator('.node', { hasText: 'unit' }).getByText('running').waitFor()
    const run = [...world.runs.values()].find((one) => one.job === 'unit' && one.state === 'running')
    world.move(run!, 'failed')
    await graph.locator('.node', { hasText: 'unit' }).getByText('failed').waitFor()
    await visit.page.getByText('stopped at unit, types, browser').waitFor()
    await graph.getByRole('link', { name: 'smoke', exact: true }).click()
    await visit.page.waitForURL('**&job=smoke')
    await visit.page.keyboard.press('Escape')
    await visit.page.waitForURL(`**/p/shop/main?version=${SHA}`)
  })

  test('is told in the list, too, with its waterfall, on a phone', async () => {
    await using visit = await house.visit(fullWorld(), { path: `/p/shop/main?version=${SHA}`, width: 390 })
    const jobs = visit.page.getByRole('list', { name: 'Jobs of main' })
    await jobs.getByRole('listitem').filter({ hasText: 'smoke' }).first().getByText('not reached').waitFor()
    const resources = visit.page.getByRole('list', { name: 'Resources of main' })
    await resources.getByText('its way begins here').waitFor()
    await visit.page.getByText(/^Critical path/).waitFor()
    expect(await visit.page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })

  test('is a table of times for whoever sees no bars', async () => {
    await using visit = await house.visit(fullWorld(), { path: `/p/shop/main?version=${SHA}` })
    const times = visit.page.getByRole('region', { name: `Where the time of ${SHA.slice(0, 7)} went` })
    await times.getByRole('row', { name: /^build succeeded, on the critical path .* 1 m 11 s$/ }).waitFor()
    await times.getByRole('row', { name: /^types ×4 failed/ }).waitFor()
  })

  test('that did not come to this lane says so and leads to where it is', async () => {
    await using visit = await house.visit(fullWorld(), {
      path: `/p/shop/main?lane=release/2.4&version=${SHA}`,
    })
    await visit.page.getByText('did not come to release/2.4').waitFor()
    await visit.page.getByRole('link', { name: 'see where it is' }).click()
    await visit.page.getByRole('link', { name: 'main', exact: true }).click()
    await visit.page.waitForURL(`**/p/shop/main?lane=main&version=${SHA}`)
    await using unknown = await house.visit(fullWorld(), { path: '/p/shop/main?version=ffffff' })
    await unknown.page.getByRole('alert').getByText('There is no such version').first().waitFor()
  })
})
