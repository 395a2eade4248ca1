import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { addLine, SHOP, stepsOf } from '../fake-stories.ts'
import { FakeWorld } from '../fake-world.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

const COUNT = 60_000
/** A run that failed behind sixty thousand lines, or behind so many that nobody made. */
function failedWorld(unmade = 0) {
  const world = new FakeWorld()
  const run = world.addRun(addLine(world, SHOP), 'unit', { steps: stepsOf(['npm ci', 'npm test']) })
  world.move(run, 'running')
  world.step(run, 0, 'succeeded', 0)
  world.step(run, 1, 'running')
  const command = (number: number, state: 'running' | 'succeeded' | 'failed', code?: number) =>
    world.command(run, { step: 1, command: number }, state, code)
  command(0, 'running')
  world.print(run, { step: 1, text: 'added 412 packages\n' })
  command(0, 'succeeded', 0)
  command(1, 'running')
  for (let at = 1; at < COUNT; at += 1_000) {
    const lines = Array.from({ length: 1_000 }, (_, index) => `line ${at + index}\n`)
    world.print(run, { step: 1, text: lines.join('') })
  }
  const last = world.logs.get(run.id)?.at(-1)
  if (last) Object.assign(last, { firstLine: last.firstLine + unmade })
  world.print(run, { step: 1, text: '\u001b[31mAssertion\u001b[0mError: no stock\n' })
  command(1, 'failed', 1)
  world.step(run, 1, 'failed', 1)
  world.move(run, 'failed')
  return { world, path: `/runs/${run.id}` }
}

const inView = (page: Page, text: string) =>
  until(async () => {
    const found = page.getByText(text, { exact: true })
    if ((await found.count()) !== 1) return false
    const box = await found.boundingBox()
    return box !== null && box.y > 0 && box.y < 900
  })
const rowCount = (page: Page) => page.locator('[data-line]').count()

describe('a long log that has ended', () => {
  test('opens at the failure, with few rows drawn and nothing read that is not looked at', async () => {
    const { world, path } = failedWorld()
    await using visit = await house.visit(world, { path })
    await inView(visit.page, 'AssertionError: no stock')
    expect(await rowCount(visit.page)).toBeLessThan(200)
    expect(world.asked.filter((asked) => /\/log$/.test(asked)).length).toBeLessThan(3) // its last two pages
    await visit.page
      .getByText(`${(COUNT + 2).toLocaleString('en')} lines`)
      .first()
      .waitFor()
    expect(visit.complaints).toEqual([])
  })

  test('opens at the failure, however many lines are before it', async () => {
    const { world, path } = failedWorld(1_000_000)
    await using visit = await house.visit(world, { path })
    await inView(visit.page, 'AssertionError: no stock')
    expect(world.asked.filter((asked) => /\/log$/.test(asked)).length).toBeLessThan(3)
  })

  test('has an address for each line, and for some of them, wherever they are', async () => {
    const { world, path } = failedWorld()
    await using visit = await house.visit(world, { path: `${path}#s1-l30002` })
    await inView(visit.page, 'line 30001')
    await visit.page.getByRole('link', { name: 'Line 30004', exact: true }).click({ modifiers: ['Shift'] })
    await until(async () => (await visit.page.locator('.aimed').count()) === 3)
    expect(new URL(visit.page.url()).hash).toBe('#s1-l30002-l30004')
  })

  test('is searched whole, and walked from line to line', async () => {
    const { world, path } = failedWorld()
    await using visit = await house.visit(world, { path })
    await inView(visit.page, 'AssertionError: no stock')
    await visit.page.keyboard.press('/')
    await visit.page.getByRole('searchbox', { name: 'Search in the whole log' }).fill('LINE 4000')
    await visit.page.getByText('1 of 11 lines').waitFor()
    await inView(visit.page, 'line 4000')
    expect(await visit.page.locator('mark').first().innerText()).toBe('line 4000')
    await visit.page.keyboard.press('Enter')
    await visit.page.getByText('2 of 11 lines').waitFor()
    await inView(visit.page, 'line 40000')
    await visit.page.keyboard.press('Shift+Enter')
    await visit.page.getByText('1 of 11 lines').waitFor()
    await visit.page.getByRole('searchbox', { name: 'Search in' }).fill('nowhere to be found')
    await visit.page.getByText('Nothing found').waitFor()
    await visit.page.keyboard.press('Escape')
    expect(await visit.page.locator('mark').count()).toBe(0)
  })

  test('shows times, wraps, and goes to the next failure by keys, which a help tells', async () => {
    const { world, path } = failedWorld()
    await using visit = await house.visit(world, { path })
    await inView(visit.page, 'AssertionError: no stock')
    expect(await visit.page.locator('[data-line] time').count()).toBe(0)
    await visit.page.keyboard.press('t')
    await visit.page.locator('[data-line] time').first().waitFor()
    expect(await visit.page.locator('[data-line] time').last().innerText()).toMatch(/^\d+\.\d{3}$/)
    await visit.page.getByLabel('Times before the lines').selectOption('clock')
    expect(await visit.page.locator('[data-line] time').last().innerText()).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/)
    await visit.page.keyboard.press('w')
    await visit.page.getByRole('button', { name: 'Wrap', pressed: false }).waitFor()
    await visit.page.evaluate('scrollTo(0, 0)')
    await visit.page.keyboard.press('e')
    await inView(visit.page, 'AssertionError: no stock')
    await visit.page.keyboard.press('?')
    await visit.page.getByRole('dialog').getByText('Next failure').waitFor()
    await visit.page.keyboard.press('Escape')
    await visit.page.keyboard.press('g')
    await visit.page.keyboard.press('l')
    await visit.page.getByRole('heading', { name: 'Lines' }).waitFor()
  })
})
