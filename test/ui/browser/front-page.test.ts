import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { fullWorld } from '../fake-house.ts'
import { addLine, SHOP } from '../fake-stories.ts'
import { FakeWorld } from '../fake-world.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

describe('the front page', () => {
  test('tells what runs, what is broken, and which file cannot be read', async () => {
    await using visit = await house.visit(fullWorld())
    const part = (name: string) =>
      visit.page.locator('section').filter({ has: visit.page.getByRole('heading', { name }) })
    await part('On the line now').getByRole('link', { name: 'unit #7' }).waitFor()
    await part('Needs a look').getByRole('link', { name: 'browser #1' }).waitFor()
    await visit.page.getByText('The newest pipeline file is broken').waitFor()
    expect(visit.complaints).toEqual([])
  })

  test('of an empty house teaches the first steps', async () => {
    await using visit = await house.visit(new FakeWorld())
    await visit.page.getByText('takt projects add').waitFor()
    await visit.page.getByText('git clone http://127.0.0.1:8080/git/demo.git').waitFor()
  })

  test('shows a project by itself as soon as there is one', async () => {
    const world = new FakeWorld()
    await using visit = await house.visit(world)
    await visit.page.getByText('The line is empty').waitFor()
    addLine(world, SHOP)
    world.announce({ kind: 'project.added', project: 'shop' })
    await visit.page.getByRole('heading', { name: 'shop' }).waitFor()
  })

  test('warns when no runner is connected', async () => {
    const world = fullWorld()
    world.server = { ...world.server, runners: [] }
    await using visit = await house.visit(world)
    await visit.page.getByText('no runner connected').waitFor()
  })
})

describe('the lines of the first page', () => {
  test('are searched by words and by what they do, and the address keeps it', async () => {
    await using visit = await house.visit(fullWorld())
    const rows = visit.page.locator('section ul.panel > li')
    await visit.page.getByRole('searchbox', { name: 'Search among the lines' }).waitFor()
    const all = await rows.count()
    await visit.page.keyboard.press('/')
    await visit.page.keyboard.type('shop nightly')
    await visit.page.getByText(`1 of ${all} lines`).waitFor()
    expect(new URL(visit.page.url()).search).toBe('?q=shop+nightly')
    await visit.page.reload()
    await visit.page.getByText(`1 of ${all} lines`).waitFor()
    await visit.page.keyboard.press('/')
    await visit.page.keyboard.type(' that nobody has')
    await visit.page.getByText('No line is like this.').waitFor()
    await visit.page.getByRole('link', { name: 'Show all lines' }).click()
    await until(async () => (await rows.count()) === all)
    await visit.page.getByRole('link', { name: 'Broken', exact: true }).click()
    await until(async () => (await rows.count()) < all)
    expect(visit.complaints).toEqual([])
  })
})
