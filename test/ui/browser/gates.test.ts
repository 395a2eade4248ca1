import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Gate } from '../../../ui/lib/api.ts'
import { gatedRun } from '../fake-gates.ts'
import { addLine, stepOf } from '../fake-stories.ts'
import { FakeWorld } from '../fake-world.ts'
import { openHouse, type House } from './dashboard.ts'

type Attempts = Extract<Gate['act'], { kind: 'call' }>['attempts']
let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house[Symbol.asyncDispose]())

function gatedWorld(given: Parameters<typeof gatedRun>[3] = {}) {
  const world = new FakeWorld()
  const line = addLine(world, { project: 'shop', name: 'main', jobs: [{ name: 'ship' }] })
  const gate = gatedRun(world, line, 'ship', given)
  return { world, gate, path: `/runs/${gate.run}` }
}

test('from the home page to a decision, by keyboard alone', async () => {
  const { world, gate } = gatedWorld()
  await using visit = await house.visit(world, { width: 390 })
  const { page } = visit
  await page.getByRole('heading', { name: 'Waits for decisions' }).waitFor()
  await page
    .getByRole('region', { name: /Waits for decisions/ })
    .getByRole('link', { name: /ship/ })
    .focus()
  await page.keyboard.press('Enter')
  await page.getByText('Ship it to everybody?').waitFor()
  const between = page.getByRole('region', { name: 'Commits of src since it was passed last' })
  expect(
    (await between.getByRole('listitem').allInnerTexts()).map((text) => text.split('\n').join(' ')),
  ).toEqual(['ccccccc <b>Charge</b> the card once Ada', 'ddddddd Reserve first Bo', 'and 3 more'])
  await page.getByLabel('Share of the hosts').focus()
  await page.keyboard.type('25')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.type('as agreed')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  const inLog = page.getByRole('button', { name: /^Gate approved by ada/ })
  await inLog.click()
  expect(gate).toMatchObject({ values: { rollout: '25', hosts: '2' }, decisions: [{ comment: 'as agreed' }] })
  await page.getByText(/ada.*approved/).waitFor()
  expect(await page.getByRole('button', { name: 'Approve', exact: true }).count()).toBe(0)
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
  expect(visit.complaints).toEqual([])
})

test('a gate that was passed stands between the steps before it and behind it, the one that waits before what comes', async () => {
  const { world, gate, path } = gatedWorld({ id: 2, name: 'all', after_step: 4 })
  const run = world.runs.get(gate.run)!
  const done = ['prepare', 'build', 'hand over', 'prepare', 'canary', 'hand over'].map((name, step) => ({
    ...stepOf(step, name, []),
    ...{ state: 'succeeded' as const, lines: 0, attempt: step < 3 ? 1 : 2 },
  }))
  run.steps = done.slice(0, 5)
  run.ahead = [{ name: 'everywhere', gate: false }]
  const said = { by: 'ada', verdict: 'approve', comment: 'go on', at: new Date().toISOString() } as const
  const passed = { state: 'approved', values: { rollout: '5' }, closed_at: new Date().toISOString() } as const
  world.gates.unshift({ ...gate, ...passed, id: 1, name: 'first', after_step: 2, decisions: [said] })
  await using visit = await house.visit(world, { path, width: 390 })
  const { page } = visit
  await page.setViewportSize({ width: 390, height: 2_400 }) // rows that nobody sees are not drawn
  const log = page.getByRole('group', { name: 'Steps and log of ship' })
  await log.getByRole('button', { name: /^Gate “first” approved by ada/ }).click()
  await log.getByText('go on').waitFor()
  await expect
    .poll(async () => (await log.getByRole('button').allInnerTexts()).map((text) => text.split('\n')[0]))
    .toEqual(['prepare', 'build', 'hand over', 'Gate “first”', 'prepare', 'canary', 'Gate “all”'])
  await log.getByText('Still to come: everywhere').waitFor()
  expect(await page.getByRole('button', { name: 'Approve', exact: true }).count()).toBe(1)
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
  expect(visit.complaints).toEqual([])
})

test('a value out of range is told beside its field, and nothing is decided', async () => {
  const { world, gate, path } = gatedWorld()
  await using visit = await house.visit(world, { path })
  const { page } = visit
  await page.getByLabel('Share of the hosts').selectOption('5')
  await page.getByLabel('hosts', { exact: true }).fill('12')
  await page.getByRole('button', { name: 'Approve' }).click()
  await page.getByText('12 is above 9').waitFor()
  expect(gate.state).toBe('waiting')
})

test('who says no says why, and the run fails with that', async () => {
  const { world, gate, path } = gatedWorld()
  await using visit = await house.visit(world, { path })
  await visit.page.getByLabel('Comment').fill('not on a Friday')
  await visit.page.getByRole('button', { name: 'Reject' }).click()
  await visit.page.getByRole('paragraph').filter({ hasText: 'rejected by ada' }).waitFor()
  expect(gate).toMatchObject({ state: 'rejected', decisions: [{ comment: 'not on a Friday' }] })
})

test('who may not decide reads why, and finds no button', async () => {
  const { world, path } = gatedWorld({ refusal: 'this gate is for release' })
  await using visit = await house.visit(world, { path })
  await visit.page.getByText('You cannot decide here: this gate is for release.').waitFor()
  expect(await visit.page.getByRole('button', { name: /Approve|Reject/ }).count()).toBe(0)
})

test('who is warned of by a policy reads it before deciding, on the front page and at the gate', async () => {
  const warning = 'that you decide is warned of by the policy `four-eyes`: let another look'
  const { world, gate } = gatedWorld({ warning })
  await using visit = await house.visit(world, { width: 390 })
  const { page } = visit
  await page.getByText('a policy warns: that you decide is warned of by the policy four-eyes').waitFor()
  await page
    .getByRole('region', { name: /Waits for decisions/ })
    .getByRole('link', { name: /ship/ })
    .click()
  const approve = page.getByRole('button', { name: 'Approve', description: /four-eyes/ })
  await approve.waitFor()
  await page.getByRole('button', { name: 'Reject', description: /let another look/ }).waitFor()
  expect(gate.state).toBe('waiting')
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
  expect(visit.complaints).toEqual([])
})

test('a call tells of each of its attempts, and why it was not good', async () => {
  const attempt = { status: 503, words: 'it answered 503', answer: null, ended_at: null }
  const started_at = new Date().toISOString()
  const attempts: Attempts = [{ ...attempt, attempt: 1, state: 'errored', started_at }]
  const target = { service: 'deployer', method: 'POST', path: '/deploys', next_at: null }
  const { world, path } = gatedWorld({
    ...{ kind: 'call', words: 'calls deployer: POST /deploys', by: [], form: [], message: null },
    act: { kind: 'call', ...target, attempts },
  })
  await using visit = await house.visit(world, { path })
  await visit.page.getByRole('heading', { name: 'Call “approve”: calls deployer: POST /deploys' }).waitFor()
  expect(await visit.page.locator('main ol li').allInnerTexts()).toEqual([
    expect.stringMatching(/^503, .*: it answered 503$/),
  ])
})

test('a run that left a checkpoint is run again from there by a button of its own', async () => {
  const world = new FakeWorld()
  const line = addLine(world, { project: 'shop', name: 'main', jobs: [{ name: 'ship' }] })
  const checkpoints = [{ name: 'built', created_at: new Date().toISOString(), expires_at: null }]
  const old = world.addRun(line, 'ship', { checkpoints })
  world.move(old, 'running')
  world.move(old, 'failed')
  await using visit = await house.visit(world, { path: `/runs/${old.id}` })
  await visit.page.getByRole('button', { name: 'Restore built' }).click()
  await visit.page.getByText(`from checkpoint`).first().waitFor()
  expect(visit.page.url()).not.toContain(`/runs/${old.id}`)
  expect(visit.complaints).toEqual([])
})

test('a run that waits for a callback shows the address to whoever asks for it', async () => {
  const act = { kind: 'callback', callback: 'signed', called_at: null, address: null, fields: null } as const
  const { world, path } = gatedWorld({ kind: 'wait', act, form: [], refusal: 'nobody decides here' })
  await using visit = await house.visit(world, { path })
  await visit.page.getByRole('button', { name: 'Show the address to call back' }).click()
  await visit.page.getByText('http://takt.example/hooks/callbacks/1/once').waitFor()
  expect(visit.complaints).toEqual([])
})

test('a run that started others leads to them', async () => {
  const runs = [{ id: 77, number: 3, state: 'running' }] as const
  const act = {
    kind: 'trigger' as const,
    ...{ project: null, pipeline: 'main', job: 'smoke', lane: null, wait: true },
    runs: [...runs],
  }
  const { world, path } = gatedWorld({ kind: 'trigger', act, form: [], refusal: 'nobody decides here' })
  await using visit = await house.visit(world, { path })
  const link = visit.page.getByRole('link', { name: 'smoke #3' })
  await link.waitFor()
  expect(await link.getAttribute('href')).toBe('/runs/77')
})

/** Notifications as a page sees them, kept instead of shown. */
const NOTIFICATIONS = `
  window.notices = []
  window.Notification = class {
    static permission = sessionStorage.getItem('granted') ?? 'default'
    static async requestPermission() {
      sessionStorage.setItem('granted', 'granted')
      return (this.permission = 'granted')
    }
    constructor(title, options) { notices.push(Object.assign(this, { title }, options)) }
    close() {}
  }`

test('who wants it is told outside the window of a gate that opens, once, and comes to it by a click', async () => {
  const { world } = gatedWorld()
  await using visit = await house.visit(world, { path: '/account' })
  const { page } = visit
  await page.addInitScript(NOTIFICATIONS)
  await page.reload()
  const notices = () => page.evaluate('notices.map(({ title, body }) => title + ": " + body)')
  await page.getByRole('button', { name: 'Tell me of gates…' }).click()
  await page.getByRole('button', { name: 'Do not tell me any more' }).waitFor()
  await expect.poll(() => world.asked.filter((asked) => asked === 'GET /gates').length).toBe(1)
  const line = world.line('shop', 'main')!
  gatedRun(world, line, 'ship', { message: 'Once more?' })
  gatedRun(world, line, 'ship', { message: 'Not for you', refusal: 'only the team release decides here' })
  await expect.poll(notices).toEqual(['ship #2 waits for you: shop/main · main\nOnce more?'])
  await page.evaluate('notices[0].onclick()')
  await page.waitForURL('**/runs/2')
  await page.goto('/account')
  await page.getByRole('button', { name: 'Do not tell me any more' }).click()
  gatedRun(world, line, 'ship')
  await page.getByRole('button', { name: 'Tell me of gates…' }).waitFor()
  expect(await notices()).toEqual([])
  expect(visit.complaints).toEqual([])
})
