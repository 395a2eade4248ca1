import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { killableShop } from '../support/killable.ts'
import { until } from '../support/until.ts'

const SLOW = { withinMs: 60_000, everyMs: 50 }
const LINE = `
resources: { src: { git: . }, live: { event: { source: deploys } } }
jobs:
  hears: { get: { src: { trigger: false } }, steps: [{ wait: { event: live, within: 1h } }] }
  called: { get: { src: { trigger: false } }, steps: [{ wait: { callback: done, within: 1h } }] }
  timed: { get: { src: { trigger: false } }, steps: [{ wait: 2s }] }
  starts: { get: { src: { trigger: false } }, steps: [{ trigger: main/started }] }
  started: { get: { src: { trigger: false } }, steps: [{ wait: 1s }] }
`
type Run = { readonly id: number; readonly job: string; readonly state: string }

test('an event, a callback, a time and a started run count once each, whenever the server is killed', async () => {
  await using it = await killableShop()
  const { db, server, ask, clone } = it
  await clone.push({ '.takt.yml': LINE })
  await until(async () => (await ask('GET', 'projects/shop/pipelines/main')).jobs?.length === 5, SLOW)
  const start = async (job: string): Promise<number> =>
    (await ask('POST', `projects/shop/pipelines/main/jobs/${job}/runs`, {})).id
  const runs = async (): Promise<Run[]> => (await ask('GET', 'runs?limit=100')).items
  const gateOf = async (run: number) => (await ask('GET', `gates?run=${run}`)).items[0]

  const hears = await start('hears')
  const called = await start('called')
  await until(async () => (await gateOf(called))?.state === 'waiting' && gateOf(hears), SLOW)
  const timed = await start('timed')
  await server.restart()
  const { url } = await ask('POST', `gates/${(await gateOf(called)).id}/callback`, {})
  expect((await ask('POST', 'projects/shop/events/deploys', { status: 'live' })).code).toBeUndefined()
  expect((await fetch(url, { method: 'POST', body: '{"host":"b"}' })).status).toBe(202)
  await server.restart()

  const MOMENTS_MS = [0, 60] // before, and about the moment at which it starts the other run
  for (const ms of MOMENTS_MS) {
    await start('starts')
    await sleep(ms)
    await server.restart()
  }
  await until(async () => {
    const all = await runs()
    return all.length === 3 + 2 * MOMENTS_MS.length && all.every(({ state }) => state === 'succeeded')
  }, SLOW)
  expect((await fetch(url, { method: 'POST' })).status).toBe(409)
  expect((await gateOf(hears)).act).toMatchObject({ kind: 'event', version: expect.any(String) })
  expect((await gateOf(called)).act).toMatchObject({ kind: 'callback', fields: { host: 'b' } })
  expect((await gateOf(timed)).state).toBe('passed')
  const rows = await db.selectFrom('triggered').select(['run_id', 'gate_id']).execute()
  expect(new Set(rows.map(({ gate_id }) => gate_id)).size).toBe(MOMENTS_MS.length)
  expect(
    (await runs())
      .filter(({ job }) => job === 'started')
      .map(({ id }) => id)
      .toSorted(),
  ).toEqual(rows.map(({ run_id }) => run_id).toSorted())
  const events = db.selectFrom('versions').innerJoin('resources', 'resources.id', 'versions.resource_id')
  expect(await events.select('versions.id').where('resources.name', '=', 'live').execute()).toHaveLength(1)
}, 180_000)
