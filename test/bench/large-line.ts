import type { Page } from 'playwright-core'
import { openHouse } from '../ui/browser/dashboard.ts'
import { addLine } from '../ui/fake-stories.ts'
import { FakeWorld } from '../ui/fake-world.ts'
import { busyTime } from './frames.ts'
import { median } from './median.ts'

const [COLUMNS, ROWS, RESOURCES] = [24, 20, 20]
const RUNNING = 50
const ROUNDS = 3
const UPDATES = 8

/** A line of 480 jobs and 20 resources in a real browser: how soon it is drawn, what a change of one run costs, how it pans. */
export async function measureLargeLine(): Promise<string[]> {
  await using house = await openHouse()
  const drawn: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await using visit = await house.visit(largeLine().world, { path: '/where' })
    const begin = performance.now()
    await visit.page.goto('/p/shop/main')
    await visit.page.locator('.frame .node').first().waitFor()
    drawn.push(performance.now() - begin)
  }
  const { world, runs } = largeLine()
  await using visit = await house.visit(world, { path: '/p/shop/main' })
  await visit.page.locator('.frame .node').first().waitFor()
  const seen: number[] = []
  const busy = await busyTime(visit.page)
  const before = await busy()
  const shown = await visit.page.locator('.frame .node.is-running .name').allTextContents()
  for (const run of runs.filter(({ job }) => shown.includes(job)).slice(0, UPDATES)) {
    const begin = performance.now()
    world.move(run, 'failed')
    await visit.page
      .locator('.frame .node.is-failed', { hasText: new RegExp(`^\\s*${run.job}\\s*#`) })
      .waitFor({ state: 'attached' })
    seen.push(performance.now() - begin)
  }
  await visit.page.waitForTimeout(500)
  const cost = ((await busy()) - before) / UPDATES
  const { perSecond, slowest } = await pan(visit.page)
  return [
    `a line of ${COLUMNS * ROWS + RESOURCES} nodes is drawn after ${median(drawn).toFixed(0)} ms; the page stays free meanwhile`,
    `  a run that moves is seen after ${median(seen).toFixed(0)} ms, and costs the page ${cost.toFixed(0)} ms of work`,
    `  panned at ${perSecond.toFixed(0)} frames a second with ${RUNNING - UPDATES} runs under way, the slowest frame after ${slowest.toFixed(0)} ms`,
  ]
}

/** Twenty jobs side by side, each behind two of the column before; the last runs are under way. */
function largeLine() {
  const world = new FakeWorld()
  const name = (column: number, row: number) => `job-${column}-${row % ROWS}`
  const jobs = Array.from({ length: COLUMNS * ROWS }, (_, index) => {
    const [column, row] = [Math.floor(index / ROWS), index % ROWS]
    return column === 0
      ? { name: name(column, row), gets: [`src-${row % RESOURCES}`] }
      : { name: name(column, row), needs: [name(column - 1, row), name(column - 1, row + 1 + (column % 3))] }
  })
  const line = addLine(world, { project: 'shop', name: 'main', jobs })
  const runs = line.jobs.map((job) => world.addRun(line, job.name))
  for (const run of runs.slice(RUNNING)) world.move(run, 'succeeded')
  for (const run of runs.slice(0, RUNNING)) world.move(run, 'running')
  return { world, runs: runs.slice(0, RUNNING) }
}

/** Across the drawing for two seconds, a few pixels with each frame. */
const pan = (page: Page): Promise<{ readonly perSecond: number; readonly slowest: number }> =>
  page.evaluate(`new Promise((resolve) => {
    const shown = document.querySelector('.frame .scroll')
    let [frames, slowest, begin] = [0, 0, performance.now()]
    let last = begin
    const step = (now) => {
      frames++
      slowest = Math.max(slowest, now - last)
      last = now
      shown.scrollBy(24, 8)
      const ms = performance.now() - begin
      if (ms < 2000) requestAnimationFrame(step)
      else resolve({ perSecond: (frames * 1000) / ms, slowest })
    }
    requestAnimationFrame(step)
  })`)
