import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { fullWorld } from '../fake-house.ts'
import { hex } from '../fake-stories.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

const node = (page: Page, job: string) =>
  page
    .getByRole('group', { name: 'as a graph' })
    .locator('.node')
    .filter({ has: page.getByRole('link', { name: job, exact: true }) })

describe('a job on the line', () => {
  test('shows that it is paused, held, passed through, and how far its matrix is', async () => {
    await using visit = await house.visit(fullWorld(), { path: '/p/shop/main' })
    await node(visit.page, 'production').getByText('paused', { exact: true }).waitFor()
    await node(visit.page, 'integration').getByText('waits for run 4 of the concurrency group').waitFor()
    await node(visit.page, 'scan').getByText('passed through', { exact: true }).waitFor()
    await node(visit.page, 'types').getByText('3/4').waitFor()
    await node(visit.page, 'types').getByText('failed', { exact: true }).waitFor()
    expect(visit.complaints).toEqual([])
  })

  test('follows the legs of its matrix live', async () => {
    const world = fullWorld()
    const leg = [...world.runs.values()].find((run) => run.matrix?.['node'] === '24')
    await using visit = await house.visit(world, { path: '/p/shop/main' })
    await node(visit.page, 'types').getByText('3/4').waitFor()
    if (leg) world.move(leg, 'succeeded')
    await node(visit.page, 'types').getByText('4/4').waitFor()
    await node(visit.page, 'types').getByText('succeeded', { exact: true }).waitFor()
  })

  test('opens its panel by key, has an address for it, and gives the focus back when it closes', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main' })
    const link = node(visit.page, 'types').getByRole('link', { name: 'types', exact: true })
    await link.focus()
    const asks = () => world.asked.filter((path) => path === 'GET /projects/shop/pipelines/main').length
    const before = asks()
    await visit.page.keyboard.press('Enter')
    const panel = visit.page.getByRole('dialog', { name: 'types' })
    await panel.getByText('3/4 legs through').waitFor()
    expect(new URL(visit.page.url()).search).toBe('?job=types')
    expect(asks(), 'the line behind it stays as it is').toBe(before)
    await panel.getByRole('link', { name: 'node 24, os alpine failed' }).waitFor()
    await visit.page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    expect(new URL(visit.page.url()).search).toBe('')
    expect(await link.evaluate((at) => at === document.activeElement)).toBe(true)
    expect(visit.complaints).toEqual([])
  })

  test('closes its panel by the browser’s own button, and by a press beside it', async () => {
    await using visit = await house.visit(fullWorld(), { path: '/p/shop/main' })
    const panel = visit.page.getByRole('dialog')
    await node(visit.page, 'lint').getByRole('link', { name: 'lint', exact: true }).click()
    await panel.waitFor()
    await visit.page.goBack()
    await panel.waitFor({ state: 'detached' })
    await visit.page.goForward()
    await panel.waitFor()
    await visit.page.mouse.click(40, 400)
    await panel.waitFor({ state: 'detached' })
  })

  test('that was never triggered says what would trigger it', async () => {
    await using visit = await house.visit(fullWorld(), { path: '/p/shop/main?job=smoke' })
    await visit.page.getByText('Nothing yet on this lane.').waitFor()
    await visit.page.getByText('Never ran on this lane.').waitFor()
  })
})

describe('the panel of a job', () => {
  test('tells who paused it, what it waits for, what it gathered, and what became of each trigger', async () => {
    await using visit = await house.visit(fullWorld(), { path: '/p/shop/main?job=production' })
    const panel = visit.page.getByRole('dialog', { name: 'production' })
    await panel.getByText('Paused by Grace Hopper', { exact: true }).waitFor()
    await panel.getByText('Freeze until Monday’s audit is through').first().waitFor()
    await panel.getByText('waits for smoke and load').waitFor()
    await panel.getByRole('list', { name: 'Gathered triggers' }).getByText('gathered').waitFor()
    const triggers = panel.getByRole('list', { name: 'Newest triggers' })
    await triggers.getByText('not looked at yet').waitFor()
    await triggers.getByText('no run: paused by Grace Hopper').waitFor()
    await triggers.getByRole('link', { name: 'became run 3' }).click()
    await visit.page.waitForURL('**/runs/3')
  })

  test('lets it go on, and pauses it with a reason', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main?job=production' })
    const panel = visit.page.getByRole('dialog')
    await panel.getByRole('button', { name: 'Let it go on' }).click()
    await panel.getByRole('button', { name: 'Pause…' }).click()
    await panel.getByRole('button', { name: 'Pause', exact: true }).click()
    expect(world.asked).not.toContain('POST /projects/shop/pipelines/main/jobs/production/pause')
    await panel.getByLabel('Reason').fill('the database moves')
    await panel.getByRole('button', { name: 'Pause', exact: true }).click()
    await panel.getByText('Paused by ada').waitFor()
    await panel.getByText('the database moves').first().waitFor()
  })

  test('says in words why the server refuses', async () => {
    const world = fullWorld()
    world.refusals.set('POST /projects/shop/pipelines/main/jobs/production/resume', {
      ...{ status: 503, code: 'unavailable', title: 'The server cannot do this' },
      detail: 'the database is away',
    })
    await using visit = await house.visit(world, { path: '/p/shop/main?job=production' })
    await visit.page.getByRole('button', { name: 'Let it go on' }).click()
    await visit.page.getByRole('alert').getByText('the database is away').waitFor()
    await visit.page.getByText('Paused by Grace Hopper', { exact: true }).waitFor()
  })

  test('starts it with what its form asks for, and tells what is filled in wrongly beside the field', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main?job=production' })
    const form = visit.page.getByRole('form', { name: 'Run production' })
    const run = form.getByRole('button', { name: 'Run now' })
    await form.getByLabel('Change ticket').fill('OPS-41')
    await form.getByLabel('region').selectOption('eu')
    expect(await form.getByLabel('Dry run').inputValue()).toBe('false')
    await form.getByLabel('replicas').fill('12')
    await run.click()
    await form.getByText('12 is above 9').waitFor()
    expect(await form.getByLabel('replicas').getAttribute('aria-invalid')).toBe('true')
    await form.getByLabel('replicas').fill('4')
    await run.click()
    await visit.page.getByRole('status').getByRole('link', { name: 'production #1' }).click()
    const facts = visit.page.locator('aside')
    await facts.getByText('OPS-41').waitFor()
    expect([...world.runs.values()].at(-1)?.given).toEqual({
      ...{ ticket: 'OPS-41', region: 'eu', replicas: '4', dry: 'false', note: '' },
    })
    expect(visit.complaints).toEqual([])
  })

  test('opens by itself where a start needs what only a person knows', async () => {
    await using visit = await house.visit(fullWorld(), { path: '/p/shop/main' })
    await node(visit.page, 'production').getByRole('button', { name: 'Run production' }).click()
    await visit.page.getByRole('dialog').getByLabel('Change ticket').waitFor()
  })

  test('starts it on chosen versions', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main?job=staging' })
    const panel = visit.page.getByRole('dialog')
    await panel.getByText('Choose versions').click()
    await panel
      .getByRole('combobox', { name: 'infra' })
      .selectOption({ label: `${hex(41).slice(0, 7)} Raise memory` })
    const [asked] = await Promise.all([
      visit.page.waitForRequest((request) => request.method() === 'POST'),
      panel.getByRole('button', { name: 'Run now' }).click(),
    ])
    expect(asked.postDataJSON()).toEqual({ lane: 'main', versions: { infra: hex(41) } })
    await panel.getByRole('link', { name: 'staging #2', exact: true }).waitFor()
  })

  test('runs again what failed on the newest version', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main?job=browser' })
    await visit.page.getByRole('button', { name: /^Run again what failed/ }).click()
    await visit.page.getByRole('status').getByRole('link', { name: 'browser #2' }).waitFor()
    await until(() => world.asked.includes('POST /projects/shop/pipelines/main/rerun'))
  })
})

describe('the panel of a resource', () => {
  test('marks what was force-pushed, left behind, pinned and disabled, and by whom', async () => {
    await using visit = await house.visit(fullWorld(), { path: '/p/shop/main' })
    const graph = visit.page.getByRole('group', { name: 'as a graph' })
    expect(await graph.getByText('force-pushed').getAttribute('title')).toContain('not among its ancestors')
    expect(await graph.getByText('pinned', { exact: true }).getAttribute('title')).toContain(
      'The newer ones run out of memory',
    )
    await graph.getByText(`takes only ${hex(42).slice(0, 7)}`).waitFor()
    await graph.getByRole('link', { name: 'infra' }).click()
    const versions = visit.page.getByRole('dialog', { name: 'infra' }).getByRole('listitem')
    await versions.nth(0).getByText('force-pushed').waitFor()
    await versions.nth(1).getByText('left behind').waitFor()
    await versions.nth(3).getByText('The newer ones run out of memory').waitFor()
    await versions.nth(4).getByText('disabled by somebody').waitFor()
    expect(visit.complaints).toEqual([])
  })

  test('tells what a version was made of, with the digests that the engine ran, and by which run', async () => {
    await using visit = await house.visit(fullWorld(), { path: '/p/shop/main?resource=src' })
    const version = visit.page.getByRole('dialog').getByRole('listitem').nth(1)
    await version.getByText('provenance', { exact: true }).click()
    await version.getByRole('link', { name: 'publish, run 12' }).waitFor()
    await version.getByText('image node:24').waitFor()
    await version.getByText(`sha256:${'c0ffee'.padEnd(64, '0')}`).waitFor()
    await version.getByText('a'.repeat(40)).waitFor()
    await version.getByText('Built by Docker 20.10.24; base images as the builder tells them.').waitFor()
    await version.getByText('base docker.io/library/node:24').waitFor()
    await version.getByText(`sha256:${'ba5e'.padEnd(64, '0')}`).waitFor()
    await version.getByText('digest:not told').waitFor()
    expect(await version.getByRole('link', { name: /^Signed provenance/ }).getAttribute('download')).toMatch(
      /attestation/,
    )
    expect(visit.complaints).toEqual([])
  })

  test('pins and disables a version with a reason, and takes both back', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main?resource=src' })
    const panel = visit.page.getByRole('dialog')
    const older = panel.getByRole('listitem').nth(2)
    await older.getByRole('button', { name: /^Pin/ }).click()
    await older.getByLabel('Reason').fill('the last good one')
    await older.getByRole('button', { name: 'Pin it' }).click()
    await older.getByText('the last good one').waitFor()
    await older.getByRole('button', { name: /^Unpin/ }).click()
    await older.getByText('the last good one').waitFor({ state: 'detached' })
    await older.getByRole('button', { name: /^Disable/ }).click()
    await older.getByLabel('Reason').fill('leaks')
    await older.getByRole('button', { name: 'Disable it' }).click()
    await older.getByText('disabled', { exact: true }).waitFor()
    await older.getByRole('button', { name: /^Enable/ }).click()
    await older.getByText('disabled', { exact: true }).waitFor({ state: 'detached' })
  })

  test('without versions says how the first one comes', async () => {
    const world = fullWorld()
    world.versions.clear()
    await using visit = await house.visit(world, { path: '/p/shop/main?resource=src' })
    await visit.page.getByText('A push to it records the first one.').waitFor()
  })

  test('fits a phone', async () => {
    await using visit = await house.visit(fullWorld(), { path: '/p/shop/main', width: 390 })
    await visit.page.locator('header').getByRole('link', { name: 'infra' }).click()
    await visit.page.getByRole('dialog').getByText('left behind').waitFor()
    expect(await visit.page.evaluate('document.documentElement.scrollWidth')).toBe(390)
    expect(await visit.page.getByRole('dialog').evaluate((at) => at.scrollWidth - at.clientWidth)).toBe(0)
  })
})

describe('a search for a commit', () => {
  test('leads from the top bar to what became of it on every line', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world)
    await visit.page.getByRole('searchbox', { name: 'Where is a commit?' }).fill(hex(11).slice(0, 6))
    await visit.page.keyboard.press('Enter')
    await visit.page.waitForURL(`**/where?version=${hex(11).slice(0, 6)}`)
    await visit.page
      .getByRole('list', { name: 'Environments' })
      .getByText('staging', { exact: true })
      .waitFor()
    const jobs = visit.page.getByRole('list', { name: 'Jobs of main on main' })
    await jobs.getByText('passed through').waitFor()
    await jobs.getByRole('link', { name: /production not reached/ }).click()
    await visit.page.getByRole('dialog', { name: 'production' }).waitFor()
    expect(visit.complaints).toEqual([])
  })

  test('follows the commit live', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world, { path: `/where?version=${hex(11)}` })
    const unit = visit.page.getByRole('link', { name: /^unit/ })
    await unit.getByText('running').waitFor()
    const run = [...world.runs.values()].find((one) => one.job === 'unit' && one.state === 'running')
    if (run) world.move(run, 'succeeded')
    await unit.getByText('succeeded').waitFor()
  })

  test('that finds nothing says what is a version', async () => {
    await using visit = await house.visit(fullWorld(), { path: '/where?version=ffffffff' })
    await visit.page.getByText('No project has a version that begins with').waitFor()
  })
})
