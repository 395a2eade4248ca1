import { expect, test } from 'vitest'
import { startHouse } from '../support/server.ts'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { visit } from '../support/visit.ts'

const LINE = `jobs:
  build: { run: [say built] }
  test: { needs: build, run: ["say \\e[32mgreen\\e[0m grüße", sleep 700, say done] }
`

test('a push is seen from the graph to the last line of its log, live', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  await using browser = await visit(house)
  const { page } = browser
  await page.getByRole('heading', { name: 'shop' }).waitFor()
  await clone.push({ '.takt.yml': LINE }, { message: '"><img src=x onerror="document.title=1"> <b>bold</b>' })
  await page.getByRole('link', { name: 'main', exact: false }).first().click()
  await page.getByText('"><img src=x onerror="document.title=1"> <b>bold</b>').first().waitFor()
  await page.getByRole('link', { name: 'test', exact: true }).first().click()
  await page.getByRole('dialog', { name: 'test' }).getByRole('link', { name: 'Open #1 and its log' }).click()
  await page.getByText('green grüße').waitFor()
  await page.getByText('done', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Retry' }).click()
  await page.waitForURL(/\/runs\/3$/)
  await page.getByText('retry of #1 by admin').first().waitFor()
  expect(await page.title()).not.toBe('1')
  expect(browser.complaints).toEqual([])
})

test('a running job is cancelled from its page, with a reason', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  await clone.push({ '.takt.yml': 'jobs: { long: { run: [say begun, hang] } }' })
  await using browser = await visit(house, '/runs/1')
  const { page } = browser
  await page.getByText('begun', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('dialog').getByRole('textbox').fill('wrong branch')
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /cancel/i })
    .first()
    .click()
  await page.getByText('wrong branch').first().waitFor()
  await page.getByText('cancelled', { exact: true }).first().waitFor()
})

test('a server that goes away and comes back loses nothing on the screen', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  const says = Array.from({ length: 12 }, (_, index) => `say line ${index} of twelve, sleep 150`).join(', ')
  await clone.push({ '.takt.yml': `jobs: { count: { run: [${says}] } }` })
  await using browser = await visit(house, '/runs/1')
  const { page } = browser
  await page.setViewportSize({ width: 1_280, height: 2_400 }) // only what is in view is drawn
  await page.getByText('line 2 of twelve', { exact: true }).waitFor()
  await house.restart()
  await page.getByText('line 11 of twelve', { exact: true }).waitFor()
  for (let index = 0; index < 12; index++) {
    const line = page.getByText(`line ${index} of twelve`, { exact: true })
    await line.first().waitFor()
    expect(await line.count()).toBe(1)
  }
})

const RELEASE = `jobs:
  build: { run: [say built] }
  release:
    needs: { build: { trigger: false } }
    inputs:
      ticket: { text: { min: 3 }, label: Change ticket }
      region: [eu, us]
    run: ['say released']
`

test('a person fills in a form, pauses a job with a reason, and reads why it waits', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _runner = await startRunner(house)
  const sha = await clone.push({ '.takt.yml': RELEASE })
  await using browser = await visit(house, '/p/shop/main?job=build')
  const { page } = browser
  await page.getByRole('dialog', { name: 'build' }).getByText('succeeded').waitFor()
  await page.getByRole('link', { name: 'became run 1' }).waitFor()
  await page.goto(`${house.url}/p/shop/main?job=release`)
  const panel = page.getByRole('dialog', { name: 'release' })
  await panel.getByLabel('Change ticket').fill('OPS-41')
  await panel.getByLabel('region').selectOption('us')
  await panel.getByText('Choose versions').click()
  await panel.getByRole('combobox', { name: 'src' }).selectOption(sha)
  await panel.getByRole('button', { name: 'Run now' }).click()
  await panel.getByRole('link', { name: 'release #1', exact: true }).waitFor()
  await panel.getByRole('button', { name: 'Pause…' }).click()
  await panel.getByLabel('Reason').fill('freeze until Monday')
  await panel.getByRole('button', { name: 'Pause', exact: true }).click()
  await panel.getByText('Paused by admin').waitFor()
  await panel.getByRole('link', { name: 'release #1', exact: true }).waitFor({ state: 'detached' })
  await panel.getByRole('link', { name: 'Open #1 and its log' }).click()
  const facts = page.locator('aside')
  await facts.getByText('OPS-41').waitFor()
  await facts.getByRole('link', { name: 'build run 1' }).waitFor()
  await page.goto(`${house.url}/where?version=${sha.slice(0, 8)}`)
  await page.getByRole('list', { name: 'Jobs of main on main' }).getByText('release').waitFor()
  expect(browser.complaints).toEqual([])
})
