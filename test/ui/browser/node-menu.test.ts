import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

describe('what can be done with a node', () => {
  test('hangs from the node, is gone through by key, and leads to the form of each deed', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main' })
    const graph = visit.page.getByRole('group', { name: 'as a graph' })
    await graph.getByRole('button', { name: 'What to do with lint' }).focus()
    await visit.page.keyboard.press('Enter')
    const menu = visit.page.getByRole('group', { name: 'What to do with lint' })
    await menu.getByRole('link', { name: 'Why it runs or waits' }).waitFor()
    await visit.page.keyboard.press('ArrowDown')
    await visit.page.keyboard.press('Enter')
    await visit.page.waitForURL('**/p/shop/main?job=lint&act=pause')
    const panel = visit.page.getByRole('dialog', { name: 'lint' })
    await panel.getByLabel('Reason').fill('the linter is wrong')
    await panel.getByRole('button', { name: 'Pause', exact: true }).click()
    await panel.getByText('Paused by ada').waitFor()
    expect(visit.complaints).toEqual([])
  })

  test('ends a run with a reason, and pins the newest version of a resource', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main' })
    const graph = visit.page.getByRole('group', { name: 'as a graph' })
    await graph.getByRole('button', { name: 'What to do with unit' }).click()
    await visit.page.getByRole('link', { name: 'Cancel…' }).click()
    const panel = visit.page.getByRole('dialog')
    await panel.getByLabel('Reason').fill('not needed')
    await panel.getByRole('button', { name: 'Cancel it' }).click()
    await panel.getByText('cancelled', { exact: true }).first().waitFor()
    await visit.page.keyboard.press('Escape')
    await graph.getByRole('button', { name: 'What to do with src' }).click()
    await visit.page.getByRole('link', { name: 'Pin the newest…' }).click()
    await panel.getByLabel('Reason').fill('hold it here')
    await panel.getByRole('button', { name: 'Pin it' }).click()
    await panel.getByText('hold it here').waitFor()
  })

  test('is there in the list, too, and stays on a phone’s screen', async () => {
    await using visit = await house.visit(fullWorld(), { path: '/p/infra/deploy', width: 390 })
    await visit.page.getByRole('button', { name: 'What to do with announce' }).click()
    const menu = visit.page.getByRole('group', { name: 'What to do with announce' })
    const box = await menu.boundingBox()
    expect(box && box.x >= 0 && box.x + box.width <= 390).toBe(true)
    await menu.getByRole('link', { name: 'Decide at its gate…' }).click()
    await visit.page.getByRole('dialog').getByRole('button', { name: 'Approve' }).waitFor()
    expect(await visit.page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })
})
