import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { organizationsIn } from '../fake-organizations.ts'
import { keptOf, policiesIn } from '../fake-policies.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

test('policies are changed, tried, set right where they are wrong, and saved', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/account' })
  const { page } = visit
  await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'Policies' }).click()
  const text = page.getByLabel('Policies of default, in YAML')
  await page.getByText('Set by ada').waitFor()
  const save = page.getByRole('button', { name: 'Save' })
  expect(await save.isDisabled()).toBe(true)

  await page.getByRole('button', { name: 'Try it' }).click()
  await page.getByText('1 would be denied, 1 warned of').waitFor()
  const findings = page.getByRole('list', { name: 'What the rules say' }).getByRole('listitem')
  expect(await findings.allInnerTexts()).toEqual([
    expect.stringMatching(/denied by others: shop\/main on main\s+.*node:22 .*mirror it first/),
    expect.stringMatching(/warned of by long: shop\/main on main\s+.*3h /),
  ])

  await text.fill('# first\n- name: others\n  effect: forbid\n  image: "**"\n')
  expect(await findings.count()).toBe(0)
  await save.click()
  await page.getByRole('alert').getByText('line 3: rule 1, effect').waitFor()
  expect(await page.locator('li.wrong').allInnerTexts()).toEqual(['3'])
  expect(await page.getByLabel('Organization', { exact: true }).isDisabled()).toBe(true)

  await page.getByRole('button', { name: 'Undo changes' }).click()
  expect(await text.inputValue()).toBe(policiesIn(world).get('default')?.source)
  expect(await save.isDisabled()).toBe(true)

  const right = '# first\n- name: others\n  effect: warn\n  image: "**"\n'
  await text.fill(right)
  await save.click()
  await page.getByText('They hold for files pushed').waitFor()
  expect(policiesIn(world).get('default')?.source).toBe(right)
  expect(visit.complaints).toEqual([])
})

test('who saves after somebody else is told, and loses nothing that he has written', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/policies' })
  const { page } = visit
  const text = page.getByLabel('Policies of default, in YAML')
  await text.fill('# mine\n')
  policiesIn(world).set('default', keptOf('# theirs\n', 2))
  await page.getByRole('button', { name: 'Save' }).click()
  const told = page.getByRole('alert').filter({ hasText: 'Somebody else has saved meanwhile' })
  await told.waitFor()
  expect(await text.inputValue()).toBe('# mine\n')
  expect(policiesIn(world).get('default')?.source).toBe('# theirs\n')
  await told.getByRole('button', { name: 'Take what is set now' }).click()
  await expect.poll(() => text.inputValue()).toBe('# theirs\n')
  await text.fill('# both\n')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('They hold for files pushed').waitFor()
  expect(visit.complaints).toEqual([])
})

test('an organization without policies is shown an example, which goes in by one click and is a right one', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/policies' })
  const { page } = visit
  await page.getByLabel('Organization', { exact: true }).selectOption('research')
  await page.waitForURL('**/policies?organization=research')
  await page.getByRole('button', { name: 'Put this example in' }).click()
  const text = page.getByLabel('Policies of research, in YAML')
  expect(await text.evaluate((area) => area === document.activeElement)).toBe(true)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('They hold for files pushed').waitFor()
  expect(
    policiesIn(world)
      .get('research')
      ?.rules.map(({ effect }) => effect),
  ).toContain('deny')
  expect(visit.complaints).toEqual([])
})

test('who is no admin reads the policies, and is told who sets them', async () => {
  const world = fullWorld()
  world.standing = 'member'
  for (const organization of organizationsIn(world)) organization.role = 'operator'
  await using visit = await house.visit(world, { path: '/policies' })
  const { page } = visit
  await page.getByText('Only admins of default try and save policies.').waitFor()
  for (const name of ['Save', 'Try it'])
    expect(await page.getByRole('button', { name }).isDisabled()).toBe(true)
  expect(await page.getByLabel('Policies of default, in YAML').isEditable()).toBe(false)
  await page.goto('/policies?organization=research')
  await page.getByText('No policies yet').waitFor()
  expect(await page.getByRole('button', { name: 'Put this example in' }).count()).toBe(0)
  expect(visit.complaints).toEqual([])
})
