import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { fullWorld } from '../fake-house.ts'
import { addLine, SHOP, stepsOf } from '../fake-stories.ts'
import { FakeWorld, keyOf } from '../fake-world.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

function smallWorld() {
  const world = new FakeWorld()
  return { world, shop: addLine(world, SHOP) }
}

describe('the graph', () => {
  test('follows a run from queued to succeeded without a reload', async () => {
    const { world, shop } = smallWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main' })
    const node = visit.page
      .getByRole('group', { name: 'as a graph' })
      .locator('.node', { hasText: 'build' })
      .first()
    await node.getByText('never ran').waitFor()
    const run = world.addRun(shop, 'build')
    await node.getByText('queued').waitFor()
    world.move(run, 'running')
    await node.getByText('running').waitFor()
    world.move(run, 'succeeded')
    await node.getByText('succeeded').waitFor()
    expect(visit.complaints).toEqual([])
  })

  test('moves on one beat whatever is under way, in steps', async () => {
    const { world, shop } = smallWorld()
    const runners = world.server.runners.map((runner) => ({ ...runner, busy: 1 }))
    world.server = { ...world.server, runners }
    await using visit = await house.visit(world, { path: '/p/shop/main' })
    for (const { name } of shop.jobs) world.move(world.addRun(shop, name), 'running')
    const beats = () =>
      visit.page.evaluate<string[]>(`document.getAnimations()
        .filter(({ effect }) => effect.getTiming().iterations === Infinity)
        .map(({ startTime, effect }) => startTime + ' ' + effect.getTiming().duration + ' ' + effect.getKeyframes()[0].easing)`)
    await expect.poll(async () => (await beats()).length).toBeGreaterThan(2 * shop.jobs.length)
    await expect
      .poll(() => visit.page.evaluate("document.querySelector('header .arm').getAnimations().length"))
      .toBe(1)
    await expect.poll(async () => new Set(await beats())).toEqual(new Set(['0 1200 steps(12)']))
    expect(visit.complaints).toEqual([])
  })

  test('says while the connection is lost that it may be old, and catches up afterwards', async () => {
    const { world, shop } = smallWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main' })
    const status = visit.page.locator('header').getByRole('status')
    await status.getByText('live').waitFor()
    const run = world.addRun(shop, 'build')
    await visit.page.locator('.node').getByText('queued').waitFor()
    visit.server.bar(true)
    visit.server.cut()
    await status.getByText('reconnecting').waitFor()
    world.move(run, 'running')
    world.move(run, 'failed')
    visit.server.bar(false)
    await visit.page.locator('.node').getByText('failed').waitFor()
    await status.getByText('live').waitFor()
  })

  test('asks once for many events, not once for each', async () => {
    const { world, shop } = smallWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main' })
    await visit.page.getByText('None yet.').waitFor()
    const views = () => world.asked.filter((path) => path === 'GET /projects/shop/pipelines/main').length
    const before = views()
    for (let at = 0; at < 50; at++) world.addRun(shop, 'build')
    await visit.page.locator('.node').getByText('#50').waitFor()
    await until(() => views() > before)
    expect(views() - before).toBeLessThan(5)
  })

  test('starts a job, and says why when the server refuses', async () => {
    const { world } = smallWorld()
    world.refusals.set('POST /projects/shop/pipelines/main/jobs/lint/runs', {
      status: 409,
      code: 'no-input',
      title: 'The job has no agreed input',
      detail: 'nothing was pushed to `main` yet',
    })
    await using visit = await house.visit(world, { path: '/p/shop/main' })
    const start = visit.page
      .getByRole('group', { name: 'as a graph' })
      .getByRole('button', { name: 'Run lint' })
    await start.click()
    await visit.page.getByRole('alert').getByText('nothing was pushed').waitFor()
    await start.click()
    await visit.page.getByRole('link', { name: 'lint #1' }).waitFor()
  })

  test('is a list on a phone', async () => {
    const { world } = smallWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main', width: 390 })
    const list = visit.page.getByRole('list', { name: 'Jobs of main' })
    await list.waitFor()
    expect(await list.getByRole('listitem').count()).toBe(12)
    expect(
      await visit.page.getByRole('list', { name: 'Resources of main' }).getByRole('listitem').count(),
    ).toBe(2)
    expect(await visit.page.getByRole('group', { name: 'as a graph' }).count()).toBe(0)
    expect(await visit.page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })

  test('shows what a job puts between it and the job that gets it, and names it in the list', async () => {
    const world = new FakeWorld()
    const jobs = [
      { name: 'publish', puts: ['image'] },
      { name: 'deploy', needs: ['publish'], gets: ['image'] },
    ]
    addLine(world, { project: 'shop', name: 'main', jobs })
    await using visit = await house.visit(world, { path: '/p/shop/main' })
    const graph = visit.page.getByRole('group', { name: 'as a graph' })
    const left = async (name: string) =>
      (await graph.getByRole('link', { name, exact: true }).boundingBox())?.x ?? 0
    await graph.getByRole('link', { name: 'deploy', exact: true }).waitFor()
    expect(await graph.locator('path.link').count()).toBe(3)
    expect(await left('publish')).toBeLessThan(await left('image'))
    expect(await left('image')).toBeLessThan(await left('deploy'))
    await visit.page.setViewportSize({ width: 390, height: 800 })
    const list = visit.page.getByRole('list', { name: 'Jobs of main' })
    await list.getByText('gets src · puts image').waitFor()
    await list.getByText('after publish · gets image').waitFor()
    expect(visit.complaints).toEqual([])
  })

  test('tells in amber and in words what went on only because it may fail', async () => {
    await using visit = await house.visit(fullWorld())
    const docs = visit.page.locator('li', {
      has: visit.page.getByRole('link', { name: 'docs', exact: true }),
    })
    await docs.getByText('partly succeeded', { exact: true }).waitFor()
    await visit.page.goto('/p/shop/main')
    await visit.page.locator('.node.is-allowed', { hasText: 'failed, as it may' }).waitFor()
    await visit.page.getByRole('row', { name: /failed, as it may load #1/ }).waitFor()
    expect(visit.complaints).toEqual([])
  })

  test('asks for the line alone, also where jobs ran as matrices', async () => {
    const world = fullWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main' })
    const types = visit.page.locator('.node', { hasText: 'types' }).first()
    await types.getByText('3/4').waitFor()
    await visit.page.getByRole('link', { name: 'load #1' }).waitFor()
    const lists = () => world.asked.filter((path) => path === 'GET /runs').length
    expect(lists()).toBe(1)
    const leg = [...world.runs.values()].find((run) => run.matrix?.['node'] === '24')
    if (leg) world.move(leg, 'succeeded')
    await until(() => lists() === 2)
    await types.getByText('4/4').waitFor()
    expect(lists()).toBe(2)
  })

  test('shows by itself what became of looking for versions', async () => {
    const { world, shop } = smallWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main?resource=src' })
    const panel = visit.page.getByRole('dialog', { name: 'src' })
    await panel.waitFor()
    const check = { every_ms: 60_000, checked_at: null, next_at: null, running: false, waits: null }
    const message = 'https://git.acme.io/shop.git does not answer'
    for (const resource of shop.resources)
      resource.check = { ...check, error: { code: 'unreachable', message } }
    expect(await panel.getByText(message).count()).toBe(0)
    world.announce({ kind: 'resource.checked', project: 'shop', pipeline: 'main', resource: 'src' })
    await panel.getByText(message).waitFor()
  })

  test('goes to another lane and back with the browser’s own buttons', async () => {
    const { world } = smallWorld()
    await using visit = await house.visit(world, { path: '/p/shop/main' })
    await visit.page.getByLabel('Lane').selectOption('release/2.4')
    await visit.page.waitForURL('**/p/shop/main?lane=release%2F2.4')
    await visit.page.getByRole('heading', { name: 'Runs on release/2.4' }).waitFor()
    await visit.page.goBack()
    await visit.page.getByRole('heading', { name: 'Runs on main' }).waitFor()
  })
})

test('where a commit is asks again only the project in which something happened', async () => {
  const world = fullWorld()
  const sha = world.line('infra', 'deploy')?.resources[0]?.newest?.name
  await using visit = await house.visit(world, { path: `/where?version=${sha}` })
  const jobs = visit.page.getByRole('list', { name: 'Jobs of deploy on main' })
  await jobs.getByText('failed').waitFor()
  const asks = (project: string) =>
    world.asked.filter((path) => path === `GET /projects/${project}/trace`).length
  const before = asks('shop')
  const apply = world.line('infra', 'deploy')?.jobs.find(({ name }) => name === 'apply')?.last_run
  if (apply) world.move(world.runs.get(apply.id)!, 'succeeded')
  await jobs.getByText('failed').waitFor({ state: 'detached' })
  expect([asks('infra'), asks('shop')]).toEqual([before + 1, before])
  expect(visit.complaints).toEqual([])
})

test('a broken file is shown with the line that broke it and a hint', async () => {
  await using visit = await house.visit(fullWorld(), { path: '/p/shop/docs' })
  await visit.page.getByText('.takt/docs.yml:4:5').waitFor()
  await visit.page.locator('pre', { hasText: 'neds: build' }).waitFor()
  await visit.page.getByText('did you mean').waitFor()
  await visit.page.getByText('keeps running by the last good file').waitFor()
})

test('what others typed stays text on every page', async () => {
  const evil = '"><img src=x onerror="pwned=1"><script>pwned=1</script>'
  const world = new FakeWorld()
  const line = addLine(world, {
    project: 'shop',
    name: 'main',
    title: evil,
    author: evil,
    jobs: [{ name: 'lint' }],
  })
  line.lanes.push({ name: evil, touched_at: new Date().toISOString(), closed: false })
  const run = world.addRun(line, 'lint', {
    steps: stepsOf([evil]),
    reason: evil,
    held: evil,
    given: { [evil]: evil },
    matrix: { [evil]: evil },
    environment: evil,
    error: { code: evil, message: evil },
    outputs: { [evil]: evil },
  })
  for (const job of line.jobs) job.waiting = evil
  const decree = { by: evil, reason: evil, at: run.created_at }
  const newest = line.resources[0]?.newest
  if (!newest) throw new Error('no version')
  const version = {
    ...newest,
    seq: 1,
    left: true,
    disabled: decree,
    pinned: decree,
    used: false,
    attested: false,
    changed: null,
  }
  world.pauses.set(keyOf(line, 'lint'), decree)
  world.versions.set(keyOf(line, 'src'), [version])
  world.triggers.set(keyOf(line, 'lint'), [
    {
      ...{
        id: 1,
        kind: 'changed',
        edge: evil,
        version: evil,
        from_run: null,
        fate: 'gathered',
        reason: evil,
      },
      ...{ run: null, at: run.created_at, settled_at: null },
    },
  ])
  world.move(run, 'running')
  world.command(run, { step: 1, command: 0 }, 'running')
  world.step(run, 1, 'running')
  world.print(run, { step: 1, text: `\u001b]8;;javascript:pwned=1\u0007${evil}\u001b]8;;\u0007\n` })
  world.deliveries.push({
    id: 1,
    source: 'git',
    event: evil,
    about: evil,
    replays: 0,
    payload_removed_at: null,
    project: evil,
    state: 'failed',
    reason: evil,
    received_at: new Date().toISOString(),
    processed_at: null,
  })
  await using visit = await house.visit(world)
  for (const path of [
    '/',
    '/p/shop/main',
    '/p/shop/main?job=lint',
    '/p/shop/main?resource=src',
    `/where?version=${line.resources[0]?.newest?.name}`,
    `/runs/${run.id}`,
    '/deliveries',
    '/deliveries/1',
    `/${encodeURIComponent(evil)}`,
  ]) {
    await visit.page.goto(path)
    await visit.page.getByText('<img src=x', { exact: false }).first().waitFor({ state: 'attached' })
    expect(await visit.page.locator('#app img, #app script, a[href^="javascript"]').count(), path).toBe(0)
    expect(await visit.page.evaluate('"pwned" in window'), path).toBe(false)
  }
  expect(visit.complaints).toEqual([])
})
