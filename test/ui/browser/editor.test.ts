import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parsePipeline } from '#pipelines/language/parse.ts'
import { filesOf } from '../fake-editor.ts'
import { hex } from '../fake-stories.ts'
import { fullWorld } from '../fake-house.ts'
import type { FakeWorld } from '../fake-world.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

const PATH = '/p/shop/main/edit'
const code = (page: Page) => page.getByRole('textbox', { name: '.takt.yml of shop, on main' })
const graph = (page: Page) => page.getByRole('group', { name: 'The line that the file draws' })
const fates = (page: Page) =>
  page.getByRole('list', { name: 'What would become of each job' }).getByRole('listitem')
const shopFiles = (world: FakeWorld) => {
  const line = world.line('shop', 'main')
  if (!line) throw new Error('there is no shop')
  return filesOf(world, line)
}

/** Short enough to be drawn whole. */
const FILE = `jobs:
  build: { image: 'node:22', run: [npm ci, npm run build] }
  staging: { needs: build, run: ./deploy staging }
  production: { needs: staging, run: ./deploy production }
`
function shop(text = FILE): FakeWorld {
  const world = fullWorld()
  shopFiles(world).set('main', { text, commit: hex(3) })
  return world
}

/** At the end of the file; a new line begins where the one above does. */
async function type(page: Page, text: string): Promise<void> {
  await code(page).click()
  await page.keyboard.press('Control+End')
  await page.keyboard.type(text)
}

/** The editor takes no choice that it showed less than 75 ms ago, as the key may have been meant for the line. */
async function take(page: Page) {
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)))
  await page.keyboard.press('Enter')
}

test('an error is seen while it is written, and gone to by a press', async () => {
  await using visit = await house.visit(shop(), { path: '/p/shop/main' })
  const { page } = visit
  await page.getByRole('link', { name: 'Edit', exact: true }).click()
  await page.getByText('No findings: the file is good').waitFor()
  await type(page, '  late:\nneds: build')
  const finding = page.getByRole('region', { name: 'Findings' }).getByRole('button')
  await finding.getByText('did you mean').waitFor()
  await page.locator('.cm-lintRange-error').filter({ hasText: 'neds' }).waitFor()
  await page.getByText('As it was before the error').waitFor()
  await expect.poll(() => graph(page).getByRole('button').count()).toBe(3)

  await page.keyboard.press('Control+Home')
  await finding.focus()
  await page.keyboard.press('Enter')
  await page.keyboard.type('X')
  await expect.poll(() => code(page).innerText()).toContain('Xneds: build')
  expect(visit.complaints).toEqual([])
})

test('the line is drawn in a thread beside the page, with what its jobs put', async () => {
  const puts = '  pack: { get: src, when: push, run: x, put: { bundle: { paths: [a] } } }'
  const text = `resources: { src: { git: . }, bundle: { files: {} } }\n${FILE}${puts}`
  await using visit = await house.visit(shop(text))
  const [thread] = await Promise.all([visit.page.waitForEvent('worker'), visit.page.goto(PATH)])
  expect(thread.url()).toContain('layout-worker')
  await graph(visit.page).locator('.resource', { hasText: 'bundle' }).getByText('files').waitFor()
})

test('a key is completed from the schema, and its value from the file’s own names', async () => {
  await using visit = await house.visit(shop(), { path: PATH })
  const { page } = visit
  await type(page, '  late:\nnee')
  const choice = page.getByRole('option', { name: 'needs' })
  await choice.waitFor()
  await page.getByText('Jobs that must have turned the same versions green').waitFor()
  await take(page)
  const choices = page.locator('.cm-tooltip-autocomplete').getByRole('option')
  await expect.poll(() => choices.allInnerTexts()).toEqual(['build', 'production', 'staging'])
  await page.keyboard.type('stag')
  await expect.poll(() => choices.allInnerTexts()).toEqual(['staging'])
  await take(page)
  await page.keyboard.type('\nrun: ./late')
  await page.getByText('No findings: the file is good').waitFor()
  await graph(page).getByRole('button', { name: 'late' }).waitFor()
  expect((await code(page).innerText()).trimEnd()).toMatch(
    / {2}late:\n {4}needs: staging\n {4}run: \.\/late$/,
  )
  expect(visit.complaints).toEqual([])
})

test('Tab indents, and after Escape it leaves the editor; single keys are written, not obeyed', async () => {
  await using visit = await house.visit(shop(), { path: PATH })
  const { page } = visit
  await type(page, '?gl')
  expect(page.url()).toContain('/edit')
  expect(await page.getByRole('dialog').count()).toBe(0)
  await page.keyboard.press('Tab')
  expect(await code(page).evaluate((dom) => dom.matches(':focus'))).toBe(true)
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Tab')
  expect(await code(page).evaluate((dom) => dom.matches(':focus'))).toBe(false)
  expect(visit.complaints).toEqual([])
})

test('what would run is told for a past commit, also by a hash', async () => {
  const world = shop()
  await using visit = await house.visit(world, { path: PATH })
  const { page } = visit
  await fates(page).getByText('would run').first().waitFor()
  await type(
    page,
    '  late: { needs: production, when: pull_request, run: ./late }\nhand: { get: { src: { trigger: false } }, run: ./x }',
  )
  const late = fates(page).filter({ hasText: 'late' })
  await late.getByText('passed through').waitFor()
  await fates(page).filter({ hasText: 'hand' }).getByText('by hand').waitFor()
  await graph(page).getByText('passed through').first().waitFor()

  const past = world.versions.get('shop/main/src')?.[2]
  await page.getByLabel('Commit', { exact: true }).selectOption(past?.name ?? '')
  await page.getByText(`With ${past?.name.slice(0, 6)}`).waitFor()
  await page.getByLabel('or a hash').fill('0123456789')
  await page.getByRole('button', { name: 'Try' }).click()
  await page.getByRole('alert').getByText('no commit of this lane is called').waitFor()
  expect(visit.complaints).toEqual([])
})

test('a change is committed by the keyboard, and leads to the line', async () => {
  const world = shop()
  await using visit = await house.visit(world, { path: PATH })
  const { page } = visit
  const button = page.getByRole('button', { name: 'Commit…' })
  await page.getByText('Nothing is changed yet.').waitFor()
  expect(await button.isDisabled()).toBe(true)
  await type(page, '  late: { needs: build, run: ./late }')
  await graph(page).getByRole('button', { name: 'late' }).waitFor()
  await page.keyboard.press('Control+s')
  const dialog = page.getByRole('dialog', { name: 'Commit .takt.yml' })
  expect(await dialog.getByLabel('Message').inputValue()).toBe('Change the pipeline')
  await dialog.getByLabel('Message').press('Enter')
  await page.getByText('Committed ').waitFor()
  expect(shopFiles(world).get('main')?.text).toContain('late: { needs: build')
  expect(await button.isDisabled()).toBe(true)

  await type(page, '\nlater: { needs: late, run: ./later }')
  await button.click()
  await dialog.getByLabel('a new one').check()
  await dialog.getByLabel('Name of the new branch').fill('try-later')
  await dialog.getByRole('button', { name: 'Commit', exact: true }).click()
  await page.getByText('Committed ').waitFor()
  expect(shopFiles(world).get('try-later')?.text).toContain('later: { needs: late')
  expect(shopFiles(world).get('main')?.text).not.toContain('later:')
  await page.getByRole('link', { name: 'See the line' }).click()
  await page.waitForURL('**/p/shop/main?lane=try-later')
  expect(visit.complaints).toEqual([])
})

test('who commits after somebody else sees both texts, and loses neither', async () => {
  const world = shop()
  await using visit = await house.visit(world, { path: PATH })
  const { page } = visit
  const commit = async () => {
    await page.getByRole('button', { name: 'Commit…' }).click()
    await page.getByRole('button', { name: 'Commit', exact: true }).click()
  }
  await type(page, '# mine')
  const before = shopFiles(world).get('main')?.text ?? ''
  shopFiles(world).set('main', { text: `${before}# theirs\n`, commit: hex(90) })
  await commit()
  const told = page.getByRole('alert').filter({ hasText: 'Somebody else has changed the file' })
  await told.waitFor()
  expect(await page.getByRole('textbox', { name: 'The newer text' }).innerText()).toContain('# theirs')
  await told.getByRole('button', { name: 'Load the newer text' }).click()
  expect(await page.getByRole('textbox', { name: 'What you wrote' }).innerText()).toContain('# mine')
  await page.getByText('Nothing is changed yet.').waitFor()
  await type(page, '# both')
  await commit()
  await page.getByText('Committed ').waitFor()
  expect(shopFiles(world).get('main')?.text).toBe(`${before}# theirs\n# both`)

  // Where the branch went on without the file, nobody is asked.
  shopFiles(world).set('main', { text: `${before}# theirs\n# both`, commit: hex(91) })
  await type(page, '\n# again')
  await commit()
  await page.getByText('Committed ').waitFor()
  expect(shopFiles(world).get('main')?.text).toContain('# again')
  expect(visit.complaints).toEqual([])
})

test('who reads or writes a file is told at once that somebody else committed to it, and in which lines', async () => {
  const world = shop()
  await using visit = await house.visit(world, { path: PATH })
  const { page } = visit
  await page.getByText('No findings: the file is good').waitFor()
  const told = page.getByRole('alert').filter({ hasText: 'Somebody else has changed the file' })
  const theirs = (text: string, seed: number) => {
    shopFiles(world).set('main', { text, commit: hex(seed) })
    const line = world.line('shop', 'main')
    if (line?.newest_revision) line.newest_revision = { ...line.newest_revision, id: seed, sha: hex(seed) }
    const where = { project: 'shop', pipeline: 'main', lane: 'main' }
    world.announce({ kind: 'revision.synced', ...where, revision: seed, valid: true })
  }
  theirs(`${FILE}# theirs\n`, 90)
  await told.waitFor()
  expect(await told.getByRole('button').allInnerTexts()).toEqual(['Load the newer text'])
  await told.getByRole('button', { name: 'Load the newer text' }).click()
  await told.waitFor({ state: 'detached' })
  await expect.poll(() => code(page).innerText()).toContain('# theirs')

  await type(page, '# mine')
  theirs(FILE.replace('./deploy staging', './deploy to staging'), 91)
  await told.waitFor()
  await page
    .getByText('They differ in lines 3 and 5 of it, and in lines 3 and 5 to 6 of what you write')
    .waitFor()
  const marked = page.locator('.cm-line.cm-differs')
  await expect
    .poll(() => marked.allInnerTexts())
    .toContainEqual(expect.stringContaining('./deploy to staging'))
  await told.getByRole('button', { name: 'Put mine in its place' }).click()
  await told.waitFor({ state: 'detached' })
  await expect.poll(() => marked.count()).toBe(0)
  expect(visit.complaints).toEqual([])
})

test('a project without a pipeline begins one with a file that works', async () => {
  const world = shop()
  const first = world.projects.find(({ name }) => name === 'shop')
  if (first) world.projects.push({ ...first, name: 'fresh', pipelines: [] })
  await using visit = await house.visit(world)
  const { page } = visit
  await page.getByRole('link', { name: 'Write it here' }).click()
  await page.getByRole('heading', { name: 'Begin .takt.yml' }).waitFor()
  const text = page.getByRole('textbox', { name: '.takt.yml of fresh, on main' })
  expect(
    parsePipeline(await text.innerText()).diagnostics.filter(({ severity }) => severity === 'error'),
  ).toEqual([])
  await page.getByRole('button', { name: 'Commit…' }).waitFor()
  expect(await page.getByRole('button', { name: 'Commit…' }).isEnabled()).toBe(true)
  await graph(page).getByRole('button', { name: 'test' }).waitFor()
  expect(visit.complaints).toEqual([])
})

test('what is not committed is there again after leaving, and can be dropped', async () => {
  await using visit = await house.visit(shop(), { path: PATH })
  const { page } = visit
  await type(page, '# unfinished')
  await page.getByRole('link', { name: 'main', exact: true }).click()
  await page.getByRole('link', { name: 'Edit', exact: true }).click()
  await page.getByText('What you had written and not committed is here again').waitFor()
  expect(await code(page).innerText()).toContain('# unfinished')
  let isWarned = false
  page.on('dialog', (dialog) => {
    isWarned = dialog.type() === 'beforeunload'
    void dialog.accept()
  })
  await page.reload()
  expect(isWarned).toBe(true)
  await page.getByRole('button', { name: 'Drop it' }).click()
  await page.getByText('Nothing is changed yet.').waitFor()
  expect(await code(page).innerText()).not.toContain('# unfinished')
  expect(visit.complaints).toEqual([])
})

test('a file of a repository that lies elsewhere is copied, and one’s own is read by who may not write', async () => {
  const world = shop()
  const project = world.projects.find(({ name }) => name === 'shop')
  if (project) project.repository = { ...project.repository, kind: 'git' }
  {
    await using visit = await house.visit(world, { path: PATH })
    const { page } = visit
    await page.getByText('The repository lies elsewhere').waitFor()
    await page.getByRole('button', { name: 'Copy the text' }).waitFor()
    expect(await page.getByRole('button', { name: 'Commit…' }).count()).toBe(0)
    expect(visit.complaints).toEqual([])
  }
  for (const line of world.lines) line.role = 'viewer'
  world.standing = 'member'
  await using visit = await house.visit(world, { path: '/p/shop/main' })
  const { page } = visit
  await page.getByRole('link', { name: 'View file' }).click()
  await page.getByText('Only maintainers of shop write here, and your role is viewer').waitFor()
  await code(page).click()
  await page.keyboard.type('x')
  expect(await code(page).getAttribute('aria-readonly')).toBe('true')
  expect(await code(page).innerText()).not.toMatch(/^x/)
  expect(visit.complaints).toEqual([])
})
