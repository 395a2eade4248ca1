import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { SECRET } from '../fake-account.ts'
import { organizationsIn } from '../fake-organizations.ts'
import { programsIn } from '../fake-program-accounts.ts'
import type { FakeWorld } from '../fake-world.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

const ORGANIZATION = '/settings/organizations/default'

function asMember(world: FakeWorld): FakeWorld {
  world.standing = 'member'
  for (const one of organizationsIn(world)) one.role = 'viewer'
  for (const place of [...world.projects, ...world.lines, ...world.runs.values()]) place.role = 'viewer'
  return world
}

test('a role is given to a person, changed, and taken on second thought', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: ORGANIZATION })
  const { page } = visit
  await page.getByLabel('Give a role to').fill('grace')
  await page.getByLabel('as', { exact: true }).first().selectOption('approver')
  await page.getByText('Who is an approver decides at gates').waitFor()
  await page.getByLabel('in', { exact: true }).selectOption('shop')
  await page.getByLabel('in', { exact: true }).press('Tab')
  await page.keyboard.press('Enter')
  const role = page.getByLabel('Role of grace in shop', { exact: true })
  await role.waitFor()
  expect(await role.inputValue()).toBe('approver')
  await role.selectOption('maintainer')
  await page.getByRole('list', { name: 'Roles in shop' }).getByText('pushes to hosted').waitFor()
  const take = page.getByRole('button', { name: 'Take away the role of grace in shop' })
  await take.click()
  expect(world.asked).not.toContain('DELETE /projects/shop/members/people/grace')
  await take.click()
  await role.waitFor({ state: 'detached' })
  expect(visit.complaints).toEqual([])
})

test('a team is made, people put in, and given a role in all of the organization', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/settings/organizations/research' })
  const { page } = visit
  await page.getByText('Nobody has a role here yet').waitFor()
  await page.getByLabel('New team').fill('labs')
  await page.keyboard.press('Enter')
  await page.getByLabel('Put into labs').fill('nobody-at-all')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByText('there is nobody called').waitFor()
  await page.getByLabel('Put into labs').fill('eve')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Take eve out of labs' }).waitFor()
  await page.getByLabel('Give a role to').fill('team labs')
  await page.keyboard.press('Enter')
  await page.getByLabel('Role of labs in all of it', { exact: true }).waitFor()
  expect(organizationsIn(world)[1]?.members).toMatchObject([
    { kind: 'team', name: 'labs', role: 'operator', project: null },
  ])
  expect(visit.complaints).toEqual([])
})

test('an invitation is made, its link shown once, and it is withdrawn', async () => {
  await using visit = await house.visit(fullWorld(), { path: ORGANIZATION })
  const { page } = visit
  const form = page.getByRole('region', { name: 'Invitations' })
  await form.getByLabel('E-mail address').fill('new@example.org')
  await form.getByLabel('as', { exact: true }).selectOption('operator')
  await form.getByLabel('and in the team').selectOption('ship')
  await form.getByRole('button', { name: 'Make a link' }).click()
  await form.getByText('http://takt.example/join#once').waitFor()
  const withdraw = form.getByRole('button', { name: 'Withdraw the invitation of new@example.org' })
  await withdraw.click()
  await withdraw.click()
  await withdraw.waitFor({ state: 'detached' })
  expect(await form.getByText('http://takt.example/join#once').count()).toBe(0)
  expect(visit.complaints).toEqual([])
})

test('a project is made public with a switch, and moved after it was said what that ends', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: ORGANIZATION })
  const { page } = visit
  await page.getByRole('switch', { name: 'shop is public' }).press('Space')
  await page.getByText('Anybody may look at its runs and logs').waitFor()
  await page.getByLabel('Move shop to').selectOption('research')
  await page.getByText('Teams lose their roles in shop').waitFor()
  await page.getByRole('button', { name: 'Move it to research' }).click()
  await page.getByRole('switch', { name: 'shop is public' }).waitFor({ state: 'detached' })
  expect(world.projects.find(({ name }) => name === 'shop')).toMatchObject({
    ...{ public: true, organization: 'research' },
  })
  expect(visit.complaints).toEqual([])
})

test('a change that the server refuses is taken back, and said in its words', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: ORGANIZATION })
  const { page } = visit
  const title = 'That may somebody else'
  world.refusals.set('PUT /organizations/default/members/people/deploy-bot', {
    ...{ status: 403, code: 'not-allowed', title, detail: 'this needs the role admin there' },
  })
  const role = page.getByLabel('Role of deploy-bot in all of it', { exact: true })
  await role.selectOption('admin')
  await page.getByRole('alert').getByText(title).waitFor()
  await expect.poll(() => role.inputValue()).toBe('operator')
})

test('an organization is added from the list by an admin of the server', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/settings' })
  const { page } = visit
  await page.getByLabel('New organization').fill('research')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByText('is taken').waitFor()
  await page.getByLabel('New organization').fill('till')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'till' }).waitFor()
  expect(new URL(page.url()).pathname).toBe('/settings/organizations/till')
})

const LOOKED_AT = fullWorld()
const idOf = (state: string) => [...LOOKED_AT.runs.values()].find((run) => run.state === state)?.id
const ACTS =
  /^(Give|Take|Add|Remove|Put|Make|Run|Pause|Let it|Pin|Unpin|Disable|Enable|Cancel$|Retry|Terminal|Reset|Drain|Resume|Move)/

test.each([
  ['/settings', 'there it is said'],
  [ORGANIZATION, 'linus-with'],
  ['/p/shop/main', 'Runs on main'],
  ['/p/shop/main?job=production', 'Paused by'],
  ['/p/shop/main?resource=infra', 'left behind'],
  [`/runs/${idOf('running')}`, 'created'],
  [`/runs/${idOf('failed')}`, 'created'],
  ['/runners', 'mend it and reset the runner'],
])('who may only look is offered nothing to change on %s', async (path, landmark) => {
  await using visit = await house.visit(asMember(LOOKED_AT), { path })
  await visit.page.getByText(landmark).first().waitFor()
  const offered = visit.page.getByRole('button', { name: ACTS })
  expect(await offered.allInnerTexts()).toEqual([])
})

test('whoever belongs nowhere is told whom to ask', async () => {
  const world = asMember(fullWorld())
  organizationsIn(world).splice(0)
  world.projects.splice(0)
  await using visit = await house.visit(world, { path: '/settings' })
  await visit.page.getByText('You belong to no organization yet').waitFor()
  await visit.page.goto('/')
  await visit.page.getByText('There is no project here that you see').waitFor()
})

test('a maintainer adds a project, with a repository of Takt’s or one that lies elsewhere', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: '/settings/organizations/research' })
  const { page } = visit
  await page.getByText('No project yet.').waitFor()
  await page.getByLabel('Name of the project').fill('own')
  await page.getByRole('button', { name: 'Make the project' }).click()
  await page.getByRole('switch', { name: 'own is public' }).waitFor()
  await page.getByLabel('Name of the project').fill('theirs')
  await page.getByLabel('Its repository').selectOption('lies elsewhere')
  await page.getByLabel('Its address').fill('https://git.example.org/theirs.git')
  await page.getByRole('button', { name: 'Make the project' }).click()
  await page.getByRole('switch', { name: 'theirs is public' }).waitFor()
  const made = world.projects.filter(({ organization }) => organization === 'research')
  expect(made.map(({ name, repository }) => [name, repository.kind])).toEqual([
    ['own', 'hosted'],
    ['theirs', 'git'],
  ])
  expect(visit.complaints).toEqual([])
})

const hourAgo = new Date(Date.now() - 3_600_000).toISOString()
test('what is public is seen without signing in, and nothing else is offered', async () => {
  const world = fullWorld()
  for (const project of world.projects) project.public = project.name === 'shop'
  await using visit = await house.visit(world, { isSignedIn: false })
  const { page } = visit
  await page.getByRole('heading', { name: 'shop' }).waitFor()
  expect(await page.getByRole('heading', { name: 'infra' }).count()).toBe(0)
  const links = await page.getByRole('navigation', { name: 'Main' }).getByRole('link').allInnerTexts()
  expect(links.map((words) => words.trim()).filter(Boolean)).toEqual(['Lines'])
  expect(world.asked).not.toContain('GET /server')
  world.server = { ...world.server, maintenance: { by: 'ada', reason: 'new disks', at: hourAgo } }
  world.announce({ kind: 'maintenance.changed' })
  await page.getByText('The whole server is in maintenance').waitFor()
  expect(await page.getByText('by ada, ').count()).toBe(0)
  await page.goto('/p/shop/main')
  await page.getByText('Runs on main').waitFor()
  expect(await page.getByRole('button', { name: /^Run / }).count()).toBe(0)
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.waitForURL('**/login?to=%2Fp%2Fshop%2Fmain')
  await page.goto('/p/shop/main/edit')
  await page.getByText('The editor is for people who are signed in').waitFor()
  await page.goto('/runners')
  await page.waitForURL('**/login?to=%2Frunners')
  expect(visit.complaints).toEqual([])
})

test.each([
  ['/settings', 390],
  [ORGANIZATION, 390],
  [ORGANIZATION, 640],
  ['/account', 390],
  ['/', 700],
] as const)('nothing on %s is wider than a screen of %i', async (path, width) => {
  await using visit = await house.visit(fullWorld(), { path, width })
  await visit.page.locator('main h1').first().waitFor({ state: 'attached' })
  await expect
    .poll(() => visit.page.evaluate('document.documentElement.scrollWidth'))
    .toBeLessThanOrEqual(width)
})

test('a service account is made, given a token that is shown once, and disabled for good', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: ORGANIZATION })
  const { page } = visit
  const part = page.getByRole('region', { name: 'Service accounts' })
  await part.getByText('its name stays with what it did').waitFor()
  await part.getByLabel('New service account').fill('deploy-bot')
  await page.keyboard.press('Enter')
  await part.getByRole('alert').getByText('is taken').waitFor()
  await part.getByLabel('New service account').fill('mirror-bot')
  await part.getByLabel('It is, in all of default').selectOption('maintainer')
  await part.getByText('It pushes to hosted').waitFor()
  await part.getByRole('button', { name: 'Make it' }).click()
  await part.getByRole('button', { name: 'Tokens of mirror-bot' }).click()
  const tokens = part.getByRole('group', { name: 'Tokens of mirror-bot' })
  await tokens.getByText('None yet.').waitFor()
  await tokens.getByLabel('What it is for').fill('nightly')
  await tokens.getByLabel('In', { exact: true }).selectOption('shop')
  await tokens.getByRole('button', { name: 'Make a token' }).click()
  await tokens.getByText(SECRET).waitFor()
  await tokens.getByText('may all that it may, in shop alone').waitFor()
  expect(programsIn(world, 'default').at(-1)).toMatchObject({
    ...{ name: 'mirror-bot', role: 'maintainer', tokens: [{ name: 'nightly', project: 'shop' }] },
  })
  await tokens.getByRole('button', { name: 'End the token nightly' }).click()
  await tokens.getByText('None yet.').waitFor()
  expect(await tokens.getByText(SECRET).count()).toBe(0)
  const disable = part.getByRole('button', { name: 'Disable the service account mirror-bot' })
  await disable.click()
  expect(world.asked).not.toContain('DELETE /organizations/default/service-accounts/mirror-bot')
  await disable.click()
  await disable.waitFor({ state: 'detached' })
  expect(await part.getByText('its name stays with what it did').count()).toBe(2)
  expect(visit.complaints).toEqual([])
})

test('who is no admin there is shown no service accounts, and none are asked for', async () => {
  const world = asMember(fullWorld())
  await using visit = await house.visit(world, { path: ORGANIZATION })
  await visit.page.getByRole('heading', { name: 'Teams' }).waitFor()
  expect(await visit.page.getByRole('heading', { name: 'Service accounts' }).count()).toBe(0)
  expect(world.asked).not.toContain('GET /organizations/default/service-accounts')
})
