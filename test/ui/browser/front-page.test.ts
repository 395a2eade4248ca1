import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { fullWorld } from '../fake-house.ts'
import { organizationsIn } from '../fake-organizations.ts'
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

describe('the tour of whoever begins', () => {
  const tour = (page: Page) => page.getByRole('region', { name: 'To a first green run' })

  test('is put away for good, and taken again by a key', async () => {
    await using visit = await house.visit(new FakeWorld())
    const { page } = visit
    await tour(page).getByRole('button', { name: 'Put the tour away' }).click()
    await page.getByText('The line is empty').waitFor()
    await page.reload()
    await page.getByText('The line is empty').waitFor()
    expect(await tour(page).count()).toBe(0)
    await page.keyboard.press('g')
    await page.keyboard.press('t')
    await tour(page).waitFor()
    expect(visit.complaints).toEqual([])
  })

  test('is not shown to who can make no project, nor where somebody has begun already', async () => {
    const world = new FakeWorld()
    world.standing = 'member'
    for (const one of organizationsIn(world)) one.role = 'operator'
    await using visit = await house.visit(world)
    await visit.page.getByText('There is no project here that you see').waitFor()
    await until(() => world.asked.includes('GET /organizations'))
    expect(await tour(visit.page).count()).toBe(0)
    await using other = await house.visit(fullWorld())
    await other.page.getByText('Needs a look').waitFor()
    expect(await tour(other.page).count()).toBe(0)
  })

  test('takes another name where the first one is taken, and says so', async () => {
    const world = new FakeWorld()
    await using visit = await house.visit(world)
    const name = tour(visit.page).getByLabel('Name of the project')
    await name.fill('shop')
    world.refusals.set('POST /projects', {
      ...{ status: 409, code: 'project-exists', title: 'A project of this name exists already' },
      detail: '`shop` is taken; choose another name',
    })
    await tour(visit.page).getByRole('button', { name: 'Make the project' }).click()
    await tour(visit.page).getByRole('alert').getByText('is taken').waitFor()
    expect(await name.inputValue()).toBe('shop')
  })
})
