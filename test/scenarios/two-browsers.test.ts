import { expect, test } from 'vitest'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { startHouse } from '../support/server.ts'
import { visit } from '../support/visit.ts'

const LINE = `resources: { src: { git: . } }
jobs:
  build: { get: src, run: [say built] }
  ship:
    needs: build
    steps:
      - approve: { form: { ticket: { text: { min: 3 } } } }
      - run: [say it is live]
`

test(
  'two people see one line: a gate that one passes, a version that one pins, a file that one commits',
  { timeout: 120_000 },
  async () => {
    await using house = await startHouse()
    await using clone = await hostedProject(house, 'shop')
    await using _runner = await startRunner(house)
    const first = await clone.push({ '.takt.yml': LINE }, { message: 'Begin the line' })
    await using ann = await visit(house)
    await using bob = await visit(house, '/p/shop/main')

    // Ann finds what waits for her on the first page, and passes the gate; Bob, who looks at the line, sees the run go on.
    const waiting = ann.page.getByRole('region', { name: /Waits for decisions/ })
    await waiting.getByRole('link', { name: /ship/ }).click()
    await ann.page.getByLabel('ticket').fill('OPS-7')
    await ann.page.getByRole('button', { name: 'Approve' }).click()
    await ann.page.getByText('it is live', { exact: true }).waitFor()
    await bob.page.getByRole('link', { name: 'ship', exact: true }).first().click()
    const panel = bob.page.getByRole('dialog', { name: 'ship' })
    await panel.getByText('succeeded').first().waitFor()
    await bob.page.keyboard.press('Escape')

    // Bob pins what is live; Ann's page of the resource shows it without being asked.
    await ann.page.goto(`${house.url}/p/shop/main?resource=src`)
    await bob.page.goto(`${house.url}/p/shop/main?resource=src`)
    await bob.page.getByRole('button', { name: /^Pin/ }).first().click()
    await bob.page.getByLabel('Reason').fill('it works')
    await bob.page.getByRole('button', { name: 'Pin it' }).click()
    await ann.page.getByText('it works').first().waitFor()

    // Somebody commits another file: the line changes under both of them, and the pin holds the new commit back.
    await clone.push(
      { '.takt.yml': `${LINE}  lint: { get: src, run: [say clean] }\n` },
      { message: 'Add lint' },
    )
    for (const { page } of [ann, bob]) {
      await page.goto(`${house.url}/p/shop/main`)
      await page.getByRole('link', { name: 'lint', exact: true }).first().waitFor()
    }
    const { items } = (await house.ask('GET /api/v1/runs?job=build')).body
    expect(items.map(({ inputs }: { inputs: { version: string }[] }) => inputs[0]!.version)).toEqual([first])
    for (const { complaints } of [ann, bob]) expect(complaints).toEqual([])
  },
)
