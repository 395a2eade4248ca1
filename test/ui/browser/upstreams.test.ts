import { afterAll, beforeAll, expect, test } from 'vitest'
import { fullWorld } from '../fake-house.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

/** The resource `infra` follows a job of another project, whose run 7 was told to it. */
function followingWorld() {
  const world = fullWorld()
  const line = world.lines.find(({ project, name }) => project === 'shop' && name === 'main')!
  const resource = line.resources.find(({ name }) => name === 'infra')!
  Object.assign(resource, { kind: 'upstream', repository: '', branch: null })
  resource.upstream = {
    ...{ project: 'platform', pipeline: 'main', job: 'publish-the-base-image', lanes: [], visible: true },
    problem: null,
    refused: {
      run: 7,
      reason: 'that is a circle: run 3, which this goes back to, was started by this very resource',
      at: new Date().toISOString(),
    },
  }
  const run = world.runs.get(Math.max(...world.runs.keys()))!
  run.follows = [
    {
      resource: run.inputs[0]!.resource,
      run: 7,
      number: 41,
      project: 'platform',
      pipeline: 'main',
      job: 'publish',
    },
  ]
  run.followers = [
    { project: 'app', pipeline: 'main', resource: 'shop', version: '12', reason: null },
    { project: 'web', pipeline: 'main', resource: 'shop', version: null, reason: 'that is a circle' },
  ]
  return { world, run, upstream: resource.upstream }
}

test('a resource that follows a job leads to it, and says why an end became no version', async () => {
  const { world } = followingWorld()
  await using visit = await house.visit(world, { path: '/p/shop/main?resource=infra' })
  const panel = visit.page.getByRole('dialog', { name: 'infra' })
  const link = panel.getByRole('link', { name: 'platform/main/publish-the-base-image' })
  expect(await link.getAttribute('href')).toBe('/p/platform/main')
  await panel.getByText('that is a circle: run 3').waitFor()
  expect(visit.complaints).toEqual([])
})

test('a job that nobody may look at is named without a link, and what is wrong with it is said', async () => {
  const { world, upstream } = followingWorld()
  Object.assign(upstream, { visible: false, problem: 'there is no project `platform` in this organization' })
  await using visit = await house.visit(world, { path: '/p/shop/main?resource=infra', width: 390 })
  const panel = visit.page.getByRole('dialog', { name: 'infra' })
  await panel.getByText('there is no project').waitFor()
  expect(await panel.getByRole('link', { name: /publish-the-base-image/ }).count()).toBe(0)
  expect(await panel.evaluate((at) => at.scrollWidth - at.clientWidth)).toBe(0)
})

test('a run names the run that it follows, and whom its own end was told to', async () => {
  const { world, run } = followingWorld()
  await using visit = await house.visit(world, { path: `/runs/${run.id}` })
  await visit.page.getByRole('link', { name: 'platform/main/publish #41' }).waitFor()
  await visit.page.getByText(`${run.follows[0]!.resource}: green end of`).waitFor()
  const told = visit.page.getByRole('link', { name: 'app/main as shop' })
  expect(await told.getAttribute('href')).toBe('/p/app/main?version=12')
  await visit.page.getByText('is not started: that is a circle').waitFor()
  expect(visit.complaints).toEqual([])
})
