import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults, RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { INVITATION } from '../fake-account.ts'
import { filesOf } from '../fake-editor.ts'
import { fullWorld } from '../fake-house.ts'
import { hex, pastRun } from '../fake-stories.ts'
import { FakeWorld } from '../fake-world.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
let axe: string
beforeAll(async () => {
  house = await openHouse()
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
})
afterAll(() => house[Symbol.asyncDispose]())

const world = fullWorld()
const run = (state: string) => [...world.runs.values()].find((one) => one.state === state)?.id
const deployed = [...world.runs.values()].find((one) => one.environment)?.id
const tree = [...world.runs.values()].find((one) => one.pipeline === 'nightly')?.id
type Opening = (page: Page) => Promise<unknown>
const press =
  (name: string): Opening =>
  (page) =>
    page.getByRole('button', { name }).first().click()
const explain: Opening = (page) => page.getByLabel('Job', { exact: true }).last().selectOption('production')
const write =
  (text: string): Opening =>
  async (page) => {
    await page.getByRole('textbox', { name: '.takt.yml of shop, on main' }).click()
    await page.keyboard.press('Control+End')
    await page.keyboard.type(text)
  }
const unfold: Opening = (page) => page.getByText('Any other git server').click()
const commit: Opening = async (page) => {
  await write('# mine')(page)
  await page.getByRole('button', { name: 'Commit…' }).click()
}
/** What it is, where it is, what shows that it is there, and what has to be done before. */
const PAGES: readonly (readonly [string, string, string, Opening?])[] = [
  ['home', '/', 'Needs a look'],
  ['line', '/p/shop/main', 'Runs on main'],
  ['way of a commit', `/p/shop/main?version=${hex(11)}`, 'Critical path'],
  ['badge', '/p/shop/main', 'Build monitors', press('Badge')],
  ['panel of a paused job', '/p/shop/main?job=production', 'Let it go on'],
  ['panel of a matrix', '/p/shop/main?job=types', '3/4 legs through'],
  ['panel of a held job', '/p/shop/main?job=integration', 'Held: queued'],
  ['versions', '/p/shop/main?resource=infra', 'left behind'],
  ['search', '/where', 'Type the beginning'],
  ['trace', `/where?version=${hex(11).slice(0, 6)}`, 'not reached'],
  ['broken line', '/p/shop/docs', 'Broken:'],
  ['editor', '/p/shop/main/edit', 'would run'],
  ['editor of an error', '/p/shop/main/edit', 'did you mean', write('  late:\nneds: build')],
  ['commit dialog', '/p/shop/main/edit', 'It starts what a push', commit],
  ['failed run', `/runs/${run('failed')}`, 'created'],
  ['errored run', `/runs/${run('errored')}`, 'created'],
  ['passed-through run', `/runs/${run('skipped')}`, 'go on with these versions'],
  ['run at a gate', `/runs/${run('waiting')}`, 'Share of the hosts'],
  ['deploying run', `/runs/${deployed}`, 'created'],
  ['tree of steps', `/runs/${tree}`, 'allowed to fail'],
  ['times', `/runs/${deployed}?show=times`, 'Critical path'],
  ['tests', `/runs/${tree}?show=tests`, 'reserves before it charges'],
  ['tests over time', '/p/shop/nightly/jobs/fuzz/tests', 'reserves before it charges'],
  ['slowest tests', '/p/shop/nightly/jobs/fuzz/tests?sort=slowest', 'times out politely'],
  ['coverage', `/runs/${tree}?show=coverage`, 'cart/total.ts'],
  ['files', `/runs/${tree}?show=files`, 'Look through them'],
  ['no tests', `/runs/${run('failed')}?show=tests`, 'No test results.'],
  ['running run', `/runs/${run('running')}`, 'created'],
  ['schedules', '/schedules', 'Comes next'],
  ['metrics', '/charts', 'Slowest jobs'],
  ['metrics of a project', '/charts?project=shop&range=30d', 'Flakiest tests'],
  ['no metrics', '/charts?project=handbook', 'Charts fill by themselves'],
  ['runners', '/runners', 'mend it and reset the runner'],
  ['deliveries', '/deliveries', 'became of each'],
  ['deliveries of a project', '/deliveries?project=shop', 'Compare refs now'],
  ['delivery', '/deliveries/2', 'What was sent'],
  ['missing', '/nowhere', 'A missed beat'],
  ['login', '/login', 'API token'],
  ['organizations', '/settings', 'there it is said'],
  ['organization', '/settings/organizations/default', 'linus-with'],
  ['tokens of a program', '/settings/organizations/default', 'nightly', press('Tokens of deploy-bot')],
  ['empty organization', '/settings/organizations/research', 'Nobody has a role here yet'],
  ['secrets', '/settings/projects/shop/secrets', 'From the organization'],
  ['no secrets', '/settings/organizations/research/secrets', 'No secret yet'],
  ['explained secrets', '/settings/projects/shop/secrets', 'a run would end with an error', explain],
  ['values', '/settings/projects/shop/values', 'deploy.colour'],
  ['no values', '/settings/projects/handbook/values', 'No value yet'],
  ['services', '/settings/projects/shop/services', 'status.acme.example'],
  ['no services', '/settings/projects/handbook/services', 'No service yet'],
  ['state of a line', '/p/shop/main/state', 'What remembers'],
  ['state of a job', '/p/shop/main/state?job=build', 'cache/index.json'],
  ['state of a resource', '/p/shop/main/state?resource=tfstate', 'moving hosts'],
  ['no state', '/p/shop/docs/state', 'Nothing on this lane remembers'],
  ['notices', '/settings/projects/shop/notices', 'no such mailbox'],
  ['statuses', '/settings/projects/shop/statuses', 'Not heard at the moment'],
  ['no statuses', '/settings/projects/handbook/statuses', 'No commit was told of yet'],
  ['sources', '/settings/projects/shop/sources', 'holds no JSON object'],
  ['no sources', '/settings/projects/handbook/sources', 'It reads no streams yet'],
  ['webhooks', '/settings/projects/shop/hooks', 'git config takt.url', unfold],
  ['audit', '/audit', 'project.change'],
  ['narrowed audit', '/audit?actor=eve', 'No such entries'],
  ['policies', '/policies', 'Set by ada'],
  ['no policies', '/policies?organization=research', 'may use anything'],
  ['account', '/account', 'nightly-report ends soon'],
  ['server', '/settings/server', 'are sealed with it'],
  ['change of the key', '/settings/server', 'Nobody has to wait', press('Change the key…')],
  ['users', '/users', 'program of default'],
  ['join', `/join#${INVITATION}`, 'invites you to acme'],
]

const VISITS = PAGES.map(
  ([name, path, landmark, open = async () => {}]) => [name, path, landmark, open] as const,
)

test.each(VISITS)('the %s page is without faults', async (_, path, landmark, open) => {
  await using visit = await house.visit(world, { path })
  await open(visit.page)
  expect(await faultsEverywhere(visit.page, landmark)).toEqual([])
  expect(visit.complaints).toEqual([])
})

test.each(['/p/shop/main', '/settings/server'])(
  'what is paused or removed, and a maintenance, is told without faults on %s',
  async (path) => {
    await using visit = await house.visit(stillWorld(), { path })
    expect(await faultsEverywhere(visit.page, 'maintenance')).toEqual([])
  },
)

test('the editor is without faults where somebody else has changed the file', async () => {
  const shared = fullWorld()
  await using visit = await house.visit(shared, { path: '/p/shop/main/edit' })
  await write('# mine')(visit.page)
  const line = shared.line('shop', 'main')
  if (line) filesOf(shared, line).set('main', { text: 'jobs: { build: { run: theirs } }', commit: hex(90) })
  await visit.page.getByRole('button', { name: 'Commit…' }).click()
  await visit.page.getByRole('button', { name: 'Commit', exact: true }).click()
  expect(await faultsEverywhere(visit.page, 'They differ in')).toEqual([])
  expect(visit.complaints).toEqual([])
})

test('the empty page is without faults', async () => {
  await using visit = await house.visit(new FakeWorld())
  expect(await faultsEverywhere(visit.page, 'The line is empty')).toEqual([])
})

/** What became of the line that the tour made, and what the tour says then. */
const ON_THE_TOUR: readonly (readonly [string, 'failed' | 'succeeded' | null])[] = [
  ['No runner is connected', null],
  ['See in its log why', 'failed'],
  ['Let a person decide', 'succeeded'],
]
test.each(ON_THE_TOUR)('the tour is without faults where it says: %s', async (landmark, state) => {
  const begun = new FakeWorld()
  begun.server = { ...begun.server, runners: [] }
  await using visit = await house.visit(begun)
  await visit.page.getByRole('button', { name: 'Make the project' }).click()
  await visit.page.getByRole('button', { name: 'Commit this file' }).click()
  await visit.page.getByText('No runner is connected').waitFor()
  const line = begun.line('first-line', 'main')
  for (const { name } of (state && line?.jobs) || [])
    if (line && state) pastRun(begun, line, name, { state, minutes: 1, tookS: 4 })
  expect(await faultsEverywhere(visit.page, landmark)).toEqual([])
  expect(visit.complaints).toEqual([])
})

/** A house in which a person stopped whatever can be stopped. */
function stillWorld(): FakeWorld {
  const still = fullWorld()
  const at = new Date().toISOString()
  const canary = { of: 'job' as const, pipeline: 'main', name: 'canary', removed_at: at, commit: hex(4) }
  still.removed = [{ ...canary, deleting: false, newest_run: { id: 1, number: 7 } }]
  still.server = { ...still.server, maintenance: { by: 'ada', reason: `disks of ${'a'.repeat(80)}`, at } }
  Object.assign(still.line('shop', 'main') ?? {}, { paused: { by: 'ada', reason: 'the cluster moves', at } })
  return still
}

const COLOURS = ['color-contrast', 'link-in-text-block']

/** In light and dark, wide and on a phone: colours change no more than contrast, so that is all that is asked twice. */
async function faultsEverywhere(page: Page, landmark: string): Promise<string[]> {
  await page.getByText(landmark).first().waitFor()
  await page.evaluate(axe)
  const found: string[] = []
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 800 })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const faults = await faultsOf(page, colorScheme === 'light' ? {} : { runOnly: COLOURS })
      found.push(...faults.map((fault) => `${colorScheme}, ${width} wide: ${fault}`))
    }
    if (await page.evaluate('document.documentElement.scrollWidth > innerWidth'))
      found.push(`${width} wide: wider than its screen`)
  }
  return found
}

async function faultsOf(page: Page, options: RunOptions): Promise<string[]> {
  const found = await page.evaluate<AxeResults>(`axe.run(${JSON.stringify(options)})`)
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.any[0]?.message ?? ''}`),
  )
}
