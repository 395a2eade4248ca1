import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from '../../server/config.ts'
import { openGates } from '../../server/gates/open.ts'
import { claimDue } from '../../server/checks/due.ts'
import { startServer } from '../../server/main.ts'
import { hand, work } from '../support/hand.ts'
import { steeredLine as line } from '../support/steer.ts'
import { until } from '../support/until.ts'

const FILE = `jobs:
  build: { run: say built }
  ask: { steps: [{ approve: {} }, { run: say yes }] }
`
const AT = '/api/v1/server/maintenance'
const WORDS = 'the whole server is in maintenance, by admin: new disks'
type Line = Awaited<ReturnType<typeof line>>
const begin = (it: Line, reason: unknown = 'new disks') => it.house.ask(`PUT ${AT}`, { reason })
const end = (it: Line) => it.house.ask(`DELETE ${AT}`)

test('nothing begins in a maintenance: what is pushed is kept and queued, says why, and begins afterwards', async () => {
  await using it = await line(FILE)
  await it.push()
  const running = await it.claim()
  expect((await begin(it)).body.maintenance).toMatchObject({ by: 'admin', reason: 'new disks' })
  const sha = await it.push()
  expect(await it.claim()).toBeNull()
  const queued = (await it.house.ask('GET /api/v1/runs?job=build&state=queued')).body.items
  expect(queued).toMatchObject([{ held: WORDS, inputs: [{ version: expect.stringMatching(`^${sha}`) }] }])
  expect(running?.job).toBe('build')
  await it.endRun(running!.id, 'succeed')
  expect((await it.runs('build'))[0]?.state).toBe('succeeded')
  expect((await end(it)).body).toEqual({ maintenance: null })
  expect((await end(it)).status).toBe(200)
  expect(await it.claim()).toMatchObject({ job: 'build', id: queued[0].id })
})

test('steps of the server and checks of runners do not begin either', async () => {
  await using it = await line(FILE)
  await begin(it)
  await it.push()
  await openGates(it.house.db)
  expect((await it.runs('ask')).map(({ state }) => state)).toEqual(['queued'])
  const { id } = await it.house.db
    .insertInto('checks')
    .values({ key: 'x', kind: 'custom', question: '{}', every_ms: 1_000 })
    .returning('id')
    .executeTakeFirstOrThrow()
  await it.house.db.updateTable('resources').set({ check_id: id }).execute()
  expect(await claimDue(it.house.db, { kinds: ['custom'], most: 9 })).toEqual([])
  await end(it)
  expect(await claimDue(it.house.db, { kinds: ['custom'], most: 9 })).toHaveLength(1)
  await openGates(it.house.db)
  expect((await it.runs('ask')).map(({ state }) => state)).toEqual(['waiting'])
})

test('it is one for all servers, outlives a restart, and is told to whoever looks after them', async () => {
  await using it = await line(FILE)
  const dataDir = await mkdtemp(join(tmpdir(), 'takt-second-'))
  await using second = await startServer(
    readConfig({ DATABASE_URL: it.house.databaseUrl, TAKT_DATA: dataDir, TAKT_PORT: '0', TAKT_DEMO: 'off' }),
  )
  await begin(it)
  const { since } = await it.house.db.selectFrom('maintenance').select('since').executeTakeFirstOrThrow()
  await begin(it, 'newer disks')
  await it.house.restart()
  expect((await it.house.ask('GET /api/v1/server')).body.maintenance).toEqual({
    ...{ by: 'admin', reason: 'newer disks', at: since.toISOString() },
  })
  const ready = await fetch(`${second.local}/readyz`)
  expect([ready.status, await ready.text()]).toEqual([
    200,
    `ready, in maintenance since ${since.toISOString()}\n`,
  ])
  expect((await it.house.ask('GET /metrics')).text).toContain('takt_maintenance 1')
  await end(it)
  expect(await (await fetch(`${second.local}/readyz`)).text()).toBe('ready\n')
  expect((await it.house.ask('GET /metrics')).text).toContain('takt_maintenance 0')
  await rm(dataDir, { recursive: true, force: true })
})

test('it needs a reason and an admin of the server, and stands in the audit log', async () => {
  await using it = await line(FILE)
  for (const reason of [undefined, ' ', 'x'.repeat(1_001)])
    expect((await it.house.ask(`PUT ${AT}`, { reason })).status).toBe(422)
  expect((await it.house.ask(`PUT ${AT}`, { reason: 'x' }, { as: null })).status).toBe(401)
  await begin(it)
  await end(it)
  const { items } = (await it.house.ask('GET /api/v1/audit?action=maintenance.begin&outcome=done')).body
  expect(items).toHaveLength(1)
  expect(items[0]).toMatchObject({ after: { maintenance: true, reason: 'new disks' } })
})

test('a runner of another server is given nothing either, from the moment on that it began, and work when it ends', async () => {
  await using it = await line(FILE)
  const dataDir = await mkdtemp(join(tmpdir(), 'takt-second-'))
  const settings = {
    DATABASE_URL: it.house.databaseUrl,
    TAKT_DATA: dataDir,
    TAKT_PORT: '0',
    TAKT_DEMO: 'off',
  }
  await using second = await startServer(
    readConfig({ ...settings, TAKT_RUNNER_TOKEN: 'of-the-second-server' }),
  )
  await begin(it)
  await using runner = await hand({ ...it.house, url: second.local, runnerToken: 'of-the-second-server' })
  runner.say({ say: 'ready', slots: 1 })
  await it.push()
  expect(await it.claim()).toBeNull()
  expect((await it.runs('build'))[0]).toMatchObject({ state: 'queued' })
  expect(work(runner.heard)).toBeUndefined()
  await end(it)
  expect((await until(() => work(runner.heard))).plan).toMatchObject({ job: 'build' })
  await rm(dataDir, { recursive: true, force: true, maxRetries: 3 })
})

test('whoever is not signed in is told of it where something is public, and not by whom', async () => {
  await using it = await line(FILE)
  await begin(it)
  const nobody = async () => (await it.house.ask(`GET ${AT}`, undefined, { as: null })).body
  expect(await nobody()).toEqual({ maintenance: null })
  await it.house.db.updateTable('projects').set({ public: true }).execute()
  expect(await nobody()).toMatchObject({ maintenance: { by: null, reason: 'new disks' } })
  expect((await it.house.ask(`DELETE ${AT}`, undefined, { as: null })).status).toBe(401)
})
