import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

/** The words of what has the focus, and whether somebody sees that it has. */
const focused = (page: Page) =>
  page.evaluate<string>(`document.activeElement.textContent.trim().replace(/\\s+/g, ' ')`)
const isShown = (page: Page) =>
  page.evaluate<boolean>(`document.activeElement.matches(':focus-visible') &&
    getComputedStyle(document.activeElement).outlineStyle === 'solid'`)

test.each([
  ['the first page', '/', 'Needs a look', 'main li'],
  ['the runs of a line', '/p/shop/main', 'Runs on main', 'main :is(li, tbody tr)'],
  ['deliveries', '/deliveries', 'became of each', 'main li'],
  ['runners', '/runners', 'Runners ask for work', 'main li'],
  ['versions in a panel', '/p/shop/main?resource=infra', 'left behind', 'dialog li'],
])('j and k go through the rows of %s', async (_, path, landmark, rows) => {
  await using visit = await house.visit(fullWorld(), { path })
  const { page } = visit
  await page.getByText(landmark).first().waitFor()
  await page.locator(rows).nth(1).waitFor()
  const here = () =>
    page.evaluate<number>(`[...document.querySelectorAll('${rows}')]
      .findIndex((row) => row.contains(document.activeElement))`)
  const seen: number[] = []
  for (const key of ['j', 'j', 'k', 'k']) {
    await page.keyboard.press(key)
    expect(await isShown(page)).toBe(true)
    seen.push(await here())
  }
  const [first = -1, second = -1] = seen
  expect(second).toBeGreaterThan(first)
  expect(seen).toEqual([first, second, first, first])
  expect(visit.complaints).toEqual([])
})

test('Enter opens the row; j and k are letters where somebody writes, and stand in the help', async () => {
  await using visit = await house.visit(fullWorld())
  const { page } = visit
  const search = page.getByRole('searchbox', { name: 'Search among the lines' })
  await search.fill('')
  await search.pressSequentially('jk')
  expect(await search.inputValue()).toBe('jk')
  await search.fill('')
  await page.getByRole('link', { name: 'Takt, all lines' }).focus()
  await page.keyboard.press('?')
  await page.getByText('To the next row of a list; Enter opens it').waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('j')
  const row = await focused(page)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/runs\/\d+$/)
  const [, job = '', number = ''] = /^(\S+) #(\d+)$/.exec(row) ?? []
  await page.getByRole('heading', { name: new RegExp(`${job}.*${number}`) }).waitFor()
})
