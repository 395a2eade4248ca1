import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { freshDatabase } from '../support/database.ts'
import { cloneOf } from '../support/repository.ts'
import { serverProcess } from '../support/server-process.ts'
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

/** A server of its own, and its project `shop`. */
async function shop() {
  const stack = new AsyncDisposableStack()
  const { db, url } = stack.use(await freshDatabase())
  const dataDir = await mkdtemp(join(tmpdir(), 'takt-acts-'))
  await chmod(dataDir, 0o755)
  stack.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }))
  const server = stack.use(await serverProcess({ DATABASE_URL: url, TAKT_DATA: dataDir, HOME: dataDir }))
  const token = (await readFile(join(dataDir, 'token'), 'utf8')).trim()
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const sent = body ? { body: JSON.stringify(body) } : {}
    const answer = await fetch(`${server.url}/api/v1/${path}`, { method, headers, ...sent })
    return answer.json() as ReturnType<typeof JSON.parse>
  }
  await ask('POST', 'projects', { name: 'shop' })
  const clone = stack.use(await cloneOf(`${server.url.replace('://', `://ann:${token}@`)}/git/shop.git`))
  await clone.push({ '.takt.yml': LINE })
  await until(async () => (await ask('GET', 'projects/shop/pipelines/main')).jobs?.length === 5, SLOW)
  return { db, server, ask, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('an event, a callback, a time and a started run count once each, whenever the server is killed', async () => {
  await using it = await shop()
  const { db, server, ask } = it
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
