import { expect, test } from 'vitest'
import { startRunner } from '../support/runner.ts'
import { startHouse } from '../support/server.ts'
import { visit } from '../support/visit.ts'

test(
  'whoever begins comes from an empty server to a green run by clicks alone, and is told so while it happens',
  { timeout: 120_000 },
  async () => {
    await using house = await startHouse()
    await using browser = await visit(house)
    const { page, complaints } = browser
    const tour = page.getByRole('region', { name: 'To a first green run' })
    const step = (name: string) => tour.locator('[aria-current=step]').getByRole('heading', { name })
    await tour.getByRole('button', { name: 'Make the project' }).click()
    await step('Give it a pipeline').waitFor()
    await tour.getByRole('button', { name: 'Commit this file' }).click()
    await step('Watch it run').waitFor()
    await tour.getByText('No runner is connected, so nothing begins').waitFor()

    await using _runner = await startRunner(house, { engine: 'local' })
    const green = page.getByRole('region', { name: 'The first run is green' })
    await green.waitFor()
    const { items } = (await house.ask('GET /api/v1/runs?project=first-line')).body
    expect(items.map(({ job, state }: { job: string; state: string }) => `${job} ${state}`)).toEqual([
      'test succeeded',
      'build succeeded',
    ])

    // It is remembered where the page is opened anew, and put away for good.
    await page.reload()
    await green.getByRole('heading', { name: 'Let a person decide' }).waitFor()
    await green.getByRole('button', { name: 'Done' }).click()
    await green.waitFor({ state: 'detached' })
    await page.reload()
    await page.getByRole('heading', { name: 'first-line' }).waitFor()
    expect(await green.count()).toBe(0)
    expect(complaints).toEqual([])
  },
)
