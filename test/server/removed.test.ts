import { readFile } from 'node:fs/promises'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { steeredLine as line } from '../support/steer.ts'
import { until } from '../support/until.ts'

const BOTH = `resources: { src: { git: . }, flags: { params: { A: "1" } } }
jobs:
  build: { get: src, run: say built }
  test: { get: [src, flags], run: say green }
`
const ONE = 'resources: { src: { git: . } }\njobs: { build: { get: src, run: say built } }\n'
type Line = Awaited<ReturnType<typeof line>>
const removed = async (it: Line) => (await it.house.ask('GET /api/v1/projects/shop/removed')).body.items
const remove = (it: Line, of: string, name: string, confirm = name) =>
  it.house.ask('POST /api/v1/projects/shop/removed/delete', { of, pipeline: 'main', name, confirm })
const newestReason = async (it: Line) =>
  (await it.house.ask('GET /api/v1/deliveries?limit=1')).body.items[0].reason as string

test('a job that the file has no more keeps its history, is listed, and comes back with its numbers', async () => {
  await using it = await line(BOTH)
  await it.push()
  await it.end('test', 'succeed')
  const sha = await it.push({ '.takt.yml': ONE })
  expect(await newestReason(it)).toContain('job test is removed, its history stays')
  const items = await removed(it)
  expect(items.map(({ of, name }: { of: string; name: string }) => `${of} ${name}`).toSorted()).toEqual([
    'job test',
    'resource flags',
  ])
  expect(items.find(({ of }: { of: string }) => of === 'job')).toMatchObject({
    ...{ pipeline: 'main', deleting: false, newest_run: { number: 1 } },
    commit: expect.stringMatching(`^${sha}`),
  })
  expect((await it.house.ask('GET /api/v1/runs?job=test')).body.items).toHaveLength(1)
  await it.push({ '.takt.yml': BOTH })
  expect(await newestReason(it)).toContain('job test is back, with its history')
  expect(await removed(it)).toEqual([])
  expect((await it.house.ask('GET /api/v1/runs?job=test')).body.items[0].number).toBe(2)
})

test('its history is deleted for good when its name is typed, with what hangs on it and nothing else', async () => {
  await using it = await line(BOTH)
  await it.push()
  const run = await it.end('test', 'succeed')
  await it.end('build', 'succeed')
  expect((await remove(it, 'job', 'test')).body.code).toBe('not-removed')
  await it.push({ '.takt.yml': ONE })
  expect((await remove(it, 'job', 'test', 'tset')).body.code).toBe('wrong-confirmation')
  expect((await remove(it, 'job', 'none')).body.code).toBe('job-not-found')
  expect((await remove(it, 'job', 'test')).status).toBe(202)
  expect((await remove(it, 'resource', 'flags')).status).toBe(202)
  await until(async () => (await removed(it)).length === 0)
  expect((await it.house.ask(`GET /api/v1/runs/${run}`)).status).toBe(404)
  expect((await it.runs('build')).length).toBe(2)
  const { rows } = await sql<{ of: string; n: number }>`
    select resources.name as of, count(versions.id)::int as n from resources
    left join versions on versions.resource_id = resources.id group by 1`.execute(it.house.db)
  expect(rows).toEqual([{ of: 'src', n: 2 }])
  const { items } = (await it.house.ask('GET /api/v1/audit?action=history.delete&outcome=done')).body
  expect(items).toHaveLength(2)
})

test('versions of a removed resource that other runs hold stay, and so does the resource', async () => {
  await using it = await line(BOTH)
  await it.push()
  await it.end('test', 'succeed')
  await it.push({
    '.takt.yml': BOTH.replace(', flags: { params: { A: "1" } }', '').replace('[src, flags]', 'src'),
  })
  expect((await remove(it, 'resource', 'flags')).status).toBe(202)
  await until(async () => (await removed(it))[0]?.deleting === false)
  expect((await it.house.ask('GET /api/v1/runs?job=test')).body.items.at(-1).inputs).toHaveLength(2)
})

test('nothing is deleted whose runs go on, or that another lane’s file still has', async () => {
  await using it = await line(BOTH)
  await it.push()
  await it.push({}, 'old')
  await it.push({ '.takt.yml': ONE })
  expect((await remove(it, 'job', 'test')).body.detail).toContain('`old` still has job')
  await it.push({ '.takt.yml': ONE }, 'old')
  expect((await remove(it, 'job', 'test')).body.detail).toContain('has not ended')
})

test('a pipeline whose file is gone starts nothing, keeps its history, and goes on when the file is back', async () => {
  await using it = await line('jobs: { build: { run: say built } }\n')
  await it.push({
    '.takt/nightly.yml': 'resources: { often: { time: 24h } }\njobs: { sweep: { get: often, run: x } }\n',
  })
  await it.end('build', 'succeed')
  await until(async () => (await it.house.ask('GET /api/v1/schedules')).body.items.length === 1)
  await it.clone.push({ '.takt/nightly.yml': null })
  await it.quiet()
  expect(await newestReason(it)).toContain('shop/nightly: its file is gone from main, its history stays')
  expect((await it.house.ask('GET /api/v1/schedules')).body.items).toEqual([])
  expect(await removed(it)).toMatchObject([{ of: 'pipeline', name: 'nightly' }])
  const view = (await it.house.ask('GET /api/v1/projects/shop/pipelines/nightly')).body
  expect(view).toMatchObject({ removed: expect.any(String), jobs: [] })
  await it.push({ '.takt/nightly.yml': 'jobs: { sweep: { run: x } }\n' })
  expect(await removed(it)).toMatchObject([{ of: 'resource', name: 'often' }])
  expect((await it.runs('sweep')).length).toBeGreaterThan(0)
})

test('what was removed before that was noted is found by its history on the default branch; a branch’s own is none', async () => {
  await using it = await line(BOTH)
  await it.push()
  await it.end('test', 'succeed')
  const sha = await it.push({ '.takt.yml': ONE })
  await it.push({ '.takt.yml': BOTH.replaceAll('test', 'trial') }, 'idea')
  await it.end('trial', 'succeed')
  for (const table of ['jobs', 'resources'])
    await sql`update ${sql.table(table)} set removed_at = null, removed_sha = null`.execute(it.house.db)
  expect(await removed(it)).toEqual([])
  const found = await readFile(new URL('../../migrations/0036-was-removed.sql', import.meta.url), 'utf8')
  await sql.raw(found).execute(it.house.db)
  expect(await removed(it)).toMatchObject([
    { of: 'job', name: 'test', commit: expect.stringMatching(`^${sha}`), newest_run: { number: 1 } },
    { of: 'resource', name: 'flags' },
  ])
})
