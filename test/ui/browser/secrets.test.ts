import { afterAll, beforeAll, expect, test } from 'vitest'
import { EVERYWHERE } from '#pipelines/plan/secret-scopes.ts'
import { keyOfSecret } from '../../../ui/lib/secrets-api.ts'
import { fullWorld } from '../fake-house.ts'
import { organizationsIn } from '../fake-organizations.ts'
import { secretsOf } from '../fake-secrets.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

const OF_SHOP = '/settings/projects/shop/secrets'
const KEY = '-----BEGIN KEY-----\nc2VjcmV0\n-----END KEY-----\n'

test('the page is reached from the organization, and says what each secret is for and who set it when', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/settings/organizations/default' })
  const { page } = visit
  await page.getByRole('link', { name: 'Secrets of default' }).waitFor()
  await page.getByRole('link', { name: 'Secrets of shop' }).click()
  const own = page.getByRole('list', { name: 'Of the project' })
  await own.getByText('for the environment production and the branch release/*').waitFor()
  expect(await own.getByText(/Set by ada, Mar 1, 2026, \S+ [AP]M \S+/).count()).toBe(1)
  const inherited = page.getByRole('list', { name: 'From the organization default' })
  expect(await inherited.getByText('REGISTRY_TOKEN').count()).toBe(1)
  expect(await inherited.getByText('shop has its own of this name').count()).toBe(1)
  expect(await inherited.getByRole('button').count()).toBe(0)
  await page.getByRole('link', { name: 'default', exact: true }).last().click()
  await page.getByRole('heading', { name: 'Secrets of default' }).waitFor()
  expect(visit.complaints).toEqual([])
})

test('a value is hidden while it is typed, stored, and in the page no more', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: OF_SHOP })
  const { page } = visit
  const form = page.getByRole('form', { name: 'Add a secret' })
  const value = form.getByLabel('Value')
  await form.getByLabel('Name').fill('API_TOKEN')
  await value.fill('abc')
  expect(await value.getAttribute('type')).toBe('password')
  await form.getByRole('button', { name: 'Show' }).click()
  expect(await value.evaluate((field) => field.tagName)).toBe('TEXTAREA')
  await form.getByRole('button', { name: 'Add the secret' }).click()
  await page.getByRole('alert').getByText('the value of API_TOKEN is not stored').waitFor()
  expect(await value.inputValue()).toBe('abc')
  await value.fill('s3cr3t-token')
  await form.getByText('For which runs').click()
  await form.getByLabel('Started by').selectOption('tag')
  await form.getByRole('button', { name: 'Add the secret' }).click()
  await page.getByRole('button', { name: 'Remove API_TOKEN for runs started by tag' }).waitFor()
  const key = keyOfSecret({ ...EVERYWHERE, name: 'API_TOKEN', trigger: 'tag' })
  expect(secretsOf(world, 'projects/shop').values.get(key)).toBe('s3cr3t-token')
  await expect.poll(() => value.inputValue()).toBe('')
  expect(visit.complaints).toEqual([])
})

test('a key that is pasted keeps its lines', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: OF_SHOP })
  const { page } = visit
  const form = page.getByRole('form', { name: 'Add a secret' })
  await form.getByLabel('Name').fill('DEPLOY_KEY')
  await form.getByText('There is one of this name for just that already').waitFor()
  await form.getByLabel('Value').evaluate((field, text) => {
    const clipboardData = new DataTransfer()
    clipboardData.setData('text/plain', text)
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  }, KEY)
  await expect.poll(() => form.getByLabel('Value').inputValue()).toContain('4 lines')
  await form.getByRole('button', { name: 'Replace the value' }).click()
  const kept = secretsOf(world, 'projects/shop').values
  await expect.poll(() => kept.get(keyOfSecret({ ...EVERYWHERE, name: 'DEPLOY_KEY' }))).toBe(KEY)
})

test('a secret is replaced, narrowed to what is free, and removed on second thought', async () => {
  const world = fullWorld()
  await using visit = await house.visit(world, { path: OF_SHOP })
  const { page } = visit
  await page.getByRole('button', { name: 'Replace DEPLOY_KEY for every run' }).click()
  const replace = page.getByRole('form', { name: 'Replace DEPLOY_KEY for every run' })
  await replace.getByLabel('New value').fill('another-one')
  await page.keyboard.press('Enter')
  await replace.waitFor({ state: 'detached' })
  expect([...secretsOf(world, 'projects/shop').values.values()]).toEqual(['another-one'])
  await page.getByRole('button', { name: 'Narrow DEPLOY_KEY for every run' }).click()
  const narrow = page.getByRole('form', { name: 'Narrow DEPLOY_KEY' })
  await narrow.getByLabel('Environment').fill('production')
  await narrow.getByLabel('Branch').fill('release/*')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByText('for just that').waitFor()
  await narrow.getByLabel('Branch').fill('')
  await narrow.getByLabel('Job').fill('deploy-*')
  await page.keyboard.press('Enter')
  const remove = page.getByRole('button', {
    name: 'Remove DEPLOY_KEY for the environment production and the job deploy-*',
  })
  await remove.click()
  expect(world.asked).not.toContain('DELETE /projects/shop/secrets/DEPLOY_KEY')
  await remove.click()
  await remove.waitFor({ state: 'detached' })
  expect(secretsOf(world, 'projects/shop').items).toMatchObject([{ branch: 'release/*' }])
  expect(visit.complaints).toEqual([])
})

test('where the server is let into stores, a secret may lie in one, and be moved there', async () => {
  const world = fullWorld()
  world.stores = ['vault', 'gcp']
  await using visit = await house.visit(world, { path: OF_SHOP })
  const { page } = visit
  const form = page.getByRole('form', { name: 'Add a secret' })
  await form.getByLabel('Name').fill('API_TOKEN')
  await form.getByLabel('Where it lies').selectOption({ label: 'Vault' })
  expect(await form.getByLabel('Value').count()).toBe(0)
  await form.getByLabel('Path and field there').fill('deploy#key')
  await form.getByRole('button', { name: 'Add the secret' }).click()
  await page.getByText('In Vault, at deploy#key').waitFor()
  await page.getByRole('button', { name: 'Replace DEPLOY_KEY for every run' }).click()
  const replace = page.getByRole('form', { name: 'Replace DEPLOY_KEY for every run' })
  await replace.getByLabel('Where it lies').selectOption('gcp')
  await replace.getByLabel('Path and field there').fill('deploy')
  await page.keyboard.press('Enter')
  await page.getByText('In Google Cloud Secret Manager, at deploy').waitFor()
  expect([...secretsOf(world, 'projects/shop').values.values()].join('')).toBe('')
  expect(visit.complaints).toEqual([])
})

test('where there is none, the page says how a job gets one', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/settings/organizations/research/secrets' })
  await visit.page.getByText('secrets: [DEPLOY_KEY]').waitFor()
  await visit.page.getByText('npx takt secrets set research DEPLOY_KEY --organization').waitFor()
})

test.each(['projects/shop', 'organizations/default'])(
  'who is not maintainer of %s is told so, and the names are not asked for',
  async (owner) => {
    const world = fullWorld()
    world.standing = 'member'
    for (const one of [...organizationsIn(world), ...world.projects]) one.role = 'operator'
    await using visit = await house.visit(world, { path: `/settings/${owner}/secrets` })
    await visit.page.getByText('Secrets are for those who are maintainer').waitFor()
    expect(world.asked).not.toContain(`GET /${owner}/secrets`)
    await visit.page.goto('/settings/organizations/default')
    await visit.page.getByRole('heading', { name: 'Projects' }).waitFor()
    expect(await visit.page.getByRole('link', { name: /^Secrets of/ }).count()).toBe(0)
  },
)

test('which secrets a job would get, and why not others, is told for each lane and start', async () => {
  const world = fullWorld()
  const lanes = world.lines.find(({ project, name }) => project === 'shop' && name === 'main')?.lanes
  lanes?.push({ name: 'pr/12', touched_at: new Date().toISOString(), closed: false })
  await using visit = await house.visit(world, { path: OF_SHOP })
  const { page } = visit
  const part = page.getByRole('region', { name: 'Which ones a job gets' })
  await part.getByLabel('Pipeline').selectOption('main')
  await part.getByLabel('Job', { exact: true }).selectOption('unit')
  await part.getByText('unit asks for no secrets').waitFor()
  await part.getByLabel('Job', { exact: true }).selectOption('production')
  const list = part.getByRole('list', { name: 'Secrets of production' })
  await list.getByText('the project’s, for every run').waitFor()
  await list.getByText('a run would end with an error').waitFor()
  const passed = list.getByRole('list', { name: 'Not taken for DEPLOY_KEY' })
  await passed.getByText('another one is more specific').waitFor()
  await part.getByLabel('Started by').selectOption('manual')
  await part.getByText('started by a person').waitFor()
  await part.getByLabel('On', { exact: true }).selectOption('pr/12')
  await part.getByText('gets none of what it asks for').waitFor()
  expect(await list.getByText('withheld').count()).toBe(2)
  const remove = page.getByRole('button', { name: 'Remove DEPLOY_KEY for every run' })
  await remove.click()
  await remove.click()
  await expect.poll(() => passed.getByRole('listitem').count()).toBe(1)
  expect(visit.complaints).toEqual([])
})
