import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askAbout } from '../fake-pulls.ts'
import { addLine } from '../fake-stories.ts'
import { FakeWorld } from '../fake-world.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house[Symbol.asyncDispose]())

test.each(['light', 'dark'] as const)(
  'a fork’s commit is decided on from the home page, in %s',
  async (scheme) => {
    const world = new FakeWorld()
    addLine(world, { project: 'shop', name: 'main', jobs: [{ name: 'test' }] })
    const head = askAbout(world)
    await using visit = await house.visit(world, { width: 390, scheme })
    const { page } = visit
    await page.getByText('Mend <b>the</b> door').waitFor()
    await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'))
    const { violations } = await page.evaluate<AxeResults>('axe.run()')
    expect(violations.map(({ id }) => id)).toEqual([])
    await page.getByRole('button', { name: 'Let it run: abcdef1' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Pull requests from forks' }).waitFor({ state: 'detached' })
    expect(head.state).toBe('approved')
  },
)
