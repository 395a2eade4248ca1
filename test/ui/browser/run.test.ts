import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { fullWorld } from '../fake-house.ts'
import { addLine, SHOP, stepsOf, testLine } from '../fake-stories.ts'
import { FakeWorld } from '../fake-world.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

function runningWorld() {
  const world = new FakeWorld()
  const shop = addLine(world, SHOP)
  const run = world.addRun(shop, 'unit', { steps: stepsOf(['npm test']) })
  world.move(run, 'running')
  world.step(run, 0, 'succeeded', 0)
  world.step(run, 1, 'running')
  world.command(run, { step: 1, command: 0 }, 'running')
  return { world, run, path: `/runs/${run.id}` }
}

const say = (world: FakeWorld, run: ReturnType<typeof runningWorld>['run'], lines: readonly number[]) =>
  world.print(run, { step: 1, text: lines.map((at) => `line ${at}\n`).join('') })
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)
const isInView = (page: Page, text: string) =>
  page.getByText(text, { exact: true }).evaluate((node) => {
    const { top, bottom } = node.getBoundingClientRect()
    return top >= 0 && bottom <= innerHeight
  })

describe('a live log', () => {
  test('follows the tail until the reader scrolls up, then counts what is new', async () => {
    const { world, run, path } = runningWorld()
    say(world, run, range(0, 200))
    await using visit = await house.visit(world, { path })
    await visit.page.getByText('line 199', { exact: true }).waitFor()
    say(world, run, range(200, 400))
    await visit.page.getByText('line 399', { exact: true }).waitFor()
    await until(() => isInView(visit.page, 'line 399'))
    await visit.page.mouse.move(500, 500)
    await visit.page.mouse.wheel(0, -2_000)
    await visit.page.getByRole('button', { name: 'Follow', pressed: false }).waitFor()
    say(world, run, range(400, 450))
    const pill = visit.page.getByRole('button', { name: '50 new lines' })
    await pill.waitFor()
    expect(await visit.page.getByText('line 449', { exact: true }).count()).toBe(0)
    await pill.click()
    await visit.page.getByText('line 449', { exact: true }).waitFor()
    say(world, run, [450])
    await visit.page.getByText('line 450', { exact: true }).waitFor()
    expect(visit.complaints).toEqual([])
  })

  test('lets go of the tail however slowly the reader scrolls up', async () => {
    const { world, run, path } = runningWorld()
    say(world, run, range(0, 200))
    await using visit = await house.visit(world, { path })
    await visit.page.getByText('line 199', { exact: true }).waitFor()
    await until(() => isInView(visit.page, 'line 199'))
    await visit.page.evaluate('scrollBy(0, -8)')
    await visit.page.getByRole('button', { name: 'Follow', pressed: false }).waitFor()
    const before = await visit.page.evaluate('scrollY')
    say(world, run, range(200, 300))
    await visit.page.getByRole('button', { name: '100 new lines' }).waitFor()
    expect(await visit.page.evaluate('scrollY')).toBe(before)
  })

  test('goes on where it stood after the socket is cut: no line is missing and none is double', async () => {
    const { world, run, path } = runningWorld()
    await using visit = await house.visit(world, { path })
    world.print(run, { step: 1, text: 'line 0\nli' })
    await visit.page.getByText('line 0', { exact: true }).waitFor()
    for (const round of [1, 2, 3]) {
      visit.server.bar(true)
      visit.server.cut()
      await visit.page.getByText('reconnecting').waitFor()
      world.print(run, { step: 1, text: `ne ${round}\nli` })
      visit.server.bar(false)
      await visit.page.getByText(`line ${round}`, { exact: true }).waitFor()
    }
    world.print(run, { step: 1, text: 'ne 4\n' })
    await visit.page.getByText('line 4', { exact: true }).waitFor()
    const texts = await visit.page.locator('[data-line] .text').allInnerTexts()
    expect(texts).toEqual(['line 0', 'line 1', 'line 2', 'line 3', 'line 4'])
  })

  test('of a hundred thousand lines keeps the page small and the end in reach', async () => {
    const { world, run, path } = runningWorld()
    for (let at = 0; at < 100; at++)
      world.print(run, {
        step: 1,
        text: range(at * 1_000, at * 1_000 + 1_000)
          .map((line) => testLine(line))
          .join(''),
      })
    world.print(run, { step: 1, text: 'the very last one\n' })
    await using visit = await house.visit(world, { path })
    await visit.page.getByText('the very last one').waitFor()
    await until(() => isInView(visit.page, 'the very last one'))
    expect(await visit.page.locator('[data-line]').count()).toBeLessThan(200)
    await visit.page.getByText('100,001 lines').first().waitFor()
    world.print(run, { step: 1, text: 'one more\n' })
    await visit.page.getByText('one more').waitFor({ timeout: 2_000 })
  })

  test('starts over when the run is given to another runner', async () => {
    const { world, run, path } = runningWorld()
    say(world, run, [1])
    await using visit = await house.visit(world, { path })
    await visit.page.getByText('line 1', { exact: true }).waitFor()
    world.move(run, 'queued')
    run.attempt = 2
    world.move(run, 'running')
    say(world, run, [2])
    await visit.page.getByText('line 2', { exact: true }).waitFor()
    expect(await visit.page.getByText('line 1', { exact: true }).count()).toBe(0)
    await visit.page.getByText('attempt 2').waitFor()
  })
})

describe('a finished log', () => {
  const failed = (world: FakeWorld) =>
    [...world.runs.values()].find((run) => run.state === 'failed' && run.job === 'build')

  test('opens the command that failed and folds the others', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world, { path: `/runs/${failed(world)?.id}` })
    await visit.page.setViewportSize({ width: 1280, height: 1_600 })
    await visit.page.getByRole('button', { name: 'npm test', expanded: true }).waitFor()
    await visit.page.getByRole('button', { name: 'npm ci', expanded: false }).waitFor()
    await visit.page.getByText('cart/reserve.test.ts', { exact: false }).first().waitFor()
    expect(await visit.page.getByText('exit 1').count()).toBeGreaterThan(0)
    await visit.page.getByRole('button', { name: 'npm ci' }).click()
    await visit.page.getByText('added 412 packages').waitFor()
  })

  test('has an address for each line', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world, { path: `/runs/${failed(world)?.id}#s1-l2` })
    await visit.page.locator('[data-line="s1-l2"].aimed').waitFor()
    await visit.page.getByRole('link', { name: 'Line 5', exact: true }).click()
    await visit.page.locator('[data-line="s1-l5"].aimed').waitFor()
    expect(new URL(visit.page.url()).hash).toBe('#s1-l5')
  })

  test('draws colours and links to the web only', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world, { path: `/runs/${failed(world)?.id}` })
    await visit.page.getByRole('button', { name: 'To the end' }).click()
    const link = visit.page.getByRole('link', { name: 'the rule' })
    await link.waitFor()
    expect(await link.getAttribute('rel')).toContain('noopener')
    const tick = visit.page.locator('[data-line] span', { hasText: '✓' }).last()
    const ink = await tick.evaluate((node) => [
      getComputedStyle(node).color,
      getComputedStyle(document.body).color,
    ])
    expect(ink[0]).not.toBe(ink[1])
  })
})

describe('a run', () => {
  test('is cancelled with a reason, after a question', async () => {
    const { world, run, path } = runningWorld()
    await using visit = await house.visit(world, { path })
    await visit.page.getByRole('button', { name: 'Cancel' }).click()
    await visit.page.getByLabel('Reason').fill('wrong branch')
    await visit.page.getByRole('button', { name: 'Cancel the run' }).click()
    await visit.page.getByText('cancelled by ada: wrong branch').waitFor()
    expect(run.state).toBe('cancelled')
    await visit.page.getByRole('button', { name: 'Retry', exact: true }).waitFor()
  })

  test('that cannot be cancelled says why and takes the promise back', async () => {
    const { world, run, path } = runningWorld()
    world.refusals.set(`POST /runs/${run.id}/cancel`, {
      status: 503,
      code: 'unavailable',
      title: 'The server cannot do this',
      detail: 'the database is away',
    })
    await using visit = await house.visit(world, { path })
    await visit.page.getByRole('button', { name: 'Cancel' }).click()
    await visit.page.getByRole('button', { name: 'Cancel the run' }).click()
    await visit.page.getByRole('alert').getByText('the database is away').waitFor()
    expect(await visit.page.getByRole('button', { name: 'Cancel', exact: true }).isEnabled()).toBe(true)
  })

  test('is retried, and the new run is opened', async () => {
    const world = fullWorld()
    const old = [...world.runs.values()].find((run) => run.state === 'errored')
    await using visit = await house.visit(world, { path: `/runs/${old?.id}` })
    await visit.page.getByRole('button', { name: 'Retry', exact: true }).click()
    await visit.page.getByText(`retry of run ${old?.id}`).first().waitFor()
    expect(visit.page.url()).not.toContain(`/runs/${old?.id}`)
  })

  test('is run again with the newest versions by a button of its own', async () => {
    const world = fullWorld()
    const old = [...world.runs.values()].find((run) => run.state === 'errored')
    await using visit = await house.visit(world, { path: `/runs/${old?.id}` })
    await visit.page.getByRole('button', { name: 'Run with newest' }).click()
    await visit.page.getByText(`#${old?.number} with the newest versions, by ada`).first().waitFor()
  })

  test('that was passed through says what that means', async () => {
    const world = fullWorld()
    const passed = [...world.runs.values()].find((run) => run.state === 'skipped')
    await using visit = await house.visit(world, { path: `/runs/${passed?.id}` })
    await visit.page.getByText('Passed through: no path of').waitFor()
    await visit.page.getByText('Nothing ran here, so there is no log.').waitFor()
  })

  test('that is held says why it may not start', async () => {
    const world = fullWorld()
    const held = [...world.runs.values()].find((run) => run.held !== null)
    await using visit = await house.visit(world, { path: `/runs/${held?.id}` })
    await visit.page.getByText('Held: it may not start yet').waitFor()
    await visit.page.getByText('waits for run 4 of the concurrency group').first().waitFor()
  })

  test('tells what was filled in, its environment, and where it came from and went on to', async () => {
    const world = fullWorld()
    const deployed = [...world.runs.values()].find((run) => run.environment !== null)
    await using visit = await house.visit(world, { path: `/runs/${deployed?.id}` })
    const facts = visit.page.locator('aside')
    await facts.getByText('OPS-7').waitFor()
    await facts.getByText('left empty').waitFor()
    await facts.getByText('Environment', { exact: true }).waitFor()
    await facts.getByRole('link', { name: /^build run/ }).click()
    await visit.page.getByRole('heading', { name: /build/ }).waitFor()
    await visit.page.goBack()
    await facts.getByRole('link', { name: `run ${deployed?.downstream[0]}` }).click()
    await visit.page.getByRole('heading', { name: /scan/ }).waitFor()
  })

  test('that a newer version stopped is not told as a fault', async () => {
    const { world, run, path } = runningWorld()
    run.error = { code: 'superseded', message: 'superseded by run 42' }
    world.move(run, 'cancelled')
    await using visit = await house.visit(world, { path })
    await visit.page.locator('.notice.plain', { hasText: 'superseded by run 42' }).waitFor()
  })

  test('without isolation says so', async () => {
    const world = fullWorld()
    const bare = [...world.runs.values()].find((run) => run.isolated === false)
    await using visit = await house.visit(world, { path: `/runs/${bare?.id}` })
    await visit.page.getByText('No isolation: ran as plain processes').waitFor()
  })

  test('that never was is missed politely', async () => {
    await using visit = await house.visit(fullWorld(), { path: '/runs/9999' })
    await visit.page.getByRole('alert').getByText('There is no such run').waitFor()
  })
})

describe('a tree of steps', () => {
  const treed = () => {
    const world = fullWorld()
    return { world, run: [...world.runs.values()].find(({ pipeline }) => pipeline === 'nightly') }
  }

  test('says in words which failure was allowed, how often a step was begun, and what was passed over', async () => {
    const { world, run } = treed()
    await using visit = await house.visit(world, { path: `/runs/${run?.id}` })
    await visit.page.setViewportSize({ width: 1280, height: 1_600 })
    await visit.page
      .getByRole('button', { name: /^audit allowed to fail failed, as it may exit 1/ })
      .waitFor()
    await visit.page.getByRole('button', { name: /^browsers 3 tries succeeded/ }).waitFor()
    await visit.page.getByRole('button', { name: /^screenshots on failure succeeded/ }).waitFor()
    await visit.page.getByRole('button', { name: /^image passed over: the step checks failed put/ }).waitFor()
  })

  test('folds a group with everything in it', async () => {
    const { world, run } = treed()
    await using visit = await house.visit(world, { path: `/runs/${run?.id}` })
    await visit.page.getByRole('button', { name: /^unit failed/ }).waitFor()
    await visit.page.getByRole('button', { name: /^checks group/ }).click()
    await until(async () => (await visit.page.getByRole('button', { name: /^unit failed/ }).count()) === 0)
  })

  test('is opened down to the line that an address names', async () => {
    const { world, run } = treed()
    await using visit = await house.visit(world, { path: `/runs/${run?.id}#s7-l1` })
    await visit.page.locator('[data-line="s7-l1"].aimed').getByText('wrote shots/reserve.png').waitFor()
  })
})
