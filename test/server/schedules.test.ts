import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Db } from '../../server/db/connect.ts'
import { person } from '../support/people.ts'
import type { House } from '../support/server.ts'
import { serverProcess } from '../support/server-process.ts'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

const PATH = '/api/v1/projects/shop/pipelines/main/schedules/tick'
const file = (time: string) => `resources: { src: { git: . }, tick: { time: ${time} } }
jobs: { nightly: { get: tick, run: x }, read: { get: { src: {}, tick: { trigger: false } }, run: x } }
`
/** Once a year, far from now: nothing comes but what the test lets come. */
const YEARLY = '"0 0 1 6 *"'
const schedule = async (house: House) => (await house.ask(`GET ${PATH}`)).body
const last = async (house: House) => (await schedule(house)).last
const looked = (db: Db) =>
  until(async () => (await db.selectFrom('checks').select('seen').executeTakeFirst())?.seen)

/** The schedule's next time is now, as the clock of the database has it. */
const come = (db: Db) =>
  sql`update checks set due_at = now(),
    seen = jsonb_build_object('nextMs', floor(extract(epoch from clock_timestamp()) * 1000)::bigint)`.execute(
    db,
  )

async function tickingLine(time: string) {
  const it = await steeredLine(file(time))
  await it.push()
  const { db } = it.house
  await looked(db)
  /** A time comes, and what becomes of it is known. */
  const tick = async () => {
    const before = (await last(it.house)).length
    await come(db)
    await sql`select pg_notify('takt', '')`.execute(db)
    await until(async () => (await last(it.house)).length > before)
    await it.quiet()
  }
  return { ...it, tick, db }
}

test('with `overlap: queue` each time waits till the run of the one before has ended', async () => {
  await using it = await tickingLine(`${YEARLY}, overlap: queue, max_catch_up: 2`)
  for (let times = 0; times < 4; times++) await it.tick()
  const [run] = await it.runs('nightly')
  expect(await it.runs('nightly')).toHaveLength(1)
  expect(await last(it.house)).toMatchObject([
    { fate: 'skipped', reason: '2 wait already (`max_catch_up`)' },
    { fate: 'waiting', reason: `run ${run!.id} still ran (\`overlap: queue\`)`, conflict: run!.id },
    { fate: 'waiting' },
    { fate: 'fired', reason: null, runs: [{ job: 'nightly', state: 'queued' }] },
  ])
  await it.end('nightly', 'succeed')
  await until(async () => (await it.runs('nightly')).length === 2)
  expect((await last(it.house)).map(({ fate }: { fate: string }) => fate)).toEqual([
    ...['skipped', 'waiting', 'fired', 'fired'],
  ])
  await it.end('nightly', 'fail')
  await until(async () => (await it.runs('nightly')).length === 3)
})

test('with `overlap: cancel_running` a new time ends the run of the one before, and says so', async () => {
  await using it = await tickingLine(`${YEARLY}, overlap: cancel_running`)
  await it.tick()
  const [first] = await it.runs('nightly')
  await it.tick()
  await until(async () => (await it.runs('nightly')).length === 2)
  const [old, fresh] = await it.runs('nightly')
  expect([old!.state, fresh!.state]).toEqual(['cancelled', 'queued'])
  expect(old!.cancel).toMatch(/^`tick` came again at .* \(`overlap: cancel_running`\)$/)
  expect((await last(it.house))[0]).toMatchObject({
    ...{ fate: 'fired', conflict: first!.id },
    reason: `run ${first!.id} was cancelled for it (\`overlap: cancel_running\`)`,
  })
})

test.each([
  ['skip', ['missed'], 0],
  ['once', ['fired'], 1],
  ['all', ['fired', 'fired', 'fired'], 3],
])(
  'of three times that came while no server was there, `misfire: %s` makes %j',
  async (rule, fates, runs) => {
    // Every eight hours, the last time as far from now as can be.
    const hour = (new Date().getUTCHours() + 20) % 8
    await using it = await steeredLine(file(`"0 ${hour}-23/8 * * *", misfire: ${rule}, overlap: allow`))
    await it.push()
    const { db } = it.house
    await looked(db)
    const [{ at }] = (await schedule(it.house)).next
    const firstMs = Date.parse(at) - 24 * 3_600_000
    const seen = JSON.stringify({ nextMs: firstMs })
    await db
      .updateTable('checks')
      .set({ seen, due_at: new Date(firstMs) })
      .execute()
    await it.house.restart()
    await until(async () => (await last(it.house)).length >= fates.length)
    const came = await last(it.house)
    expect(came.map(({ fate }: { fate: string }) => fate)).toEqual(fates)
    expect(came[0].missed).toBe(3 - fates.length)
    await until(async () => (await it.runs('nightly')).length >= runs)
    expect(await it.runs('nightly')).toHaveLength(runs)
    if (rule !== 'all') return
    const due = came.map((each: { due_at: string }) => Date.parse(each.due_at)).toReversed()
    expect(due).toEqual([0, 8, 16].map((hours) => firstMs + hours * 3_600_000))
    expect((await it.runs('nightly')).map(({ inputs }) => inputs)).toHaveLength(3)
  },
)

test('a schedule tells its next five times in its zone, is paused with a reason, and fires by hand', async () => {
  await using it = await tickingLine('"30 2 * * *", timezone: Europe/Berlin')
  const { house } = it
  const { next, ...shown } = await schedule(house)
  expect(shown).toMatchObject({
    schedule: '30 2 * * *',
    timezone: 'Europe/Berlin',
    jobs: ['nightly'],
    paused: null,
  })
  expect(next).toHaveLength(5)
  for (const { at, there } of next) {
    expect(there).toMatch(/^\d{4}-\d\d-\d\d 02:30$/)
    expect(new Date(at).toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin' })).toBe('02:30:00')
  }
  expect((await house.ask(`POST ${PATH}/pause`, {})).body.detail).toContain('reason')
  expect((await house.ask(`POST ${PATH}/pause`, { reason: 'the tests are red' })).body.paused).toMatchObject({
    ...{ by: 'admin', reason: 'the tests are red' },
  })
  await it.tick()
  expect(await last(house)).toMatchObject([{ fate: 'paused', reason: 'paused by admin: the tests are red' }])
  expect(await it.runs('nightly')).toHaveLength(0)
  expect((await house.ask(`POST ${PATH}/fire`)).body.last[0]).toMatchObject({ fate: 'fired', by: 'admin' })
  await until(async () => (await it.runs('nightly')).length === 1)
  expect((await house.ask(`POST ${PATH}/resume`)).body.paused).toBeNull()
  const { items } = (await house.ask(`GET ${PATH}/firings?limit=1`)).body
  expect(items).toMatchObject([{ fate: 'fired', runs: [{ job: 'nightly' }] }])
  expect((await house.ask('GET /api/v1/projects/shop/pipelines/main/schedules/src')).body).toMatchObject({
    ...{ status: 404, code: 'schedule-not-found' },
  })
})

test('schedules are listed to those who see their projects, with what they may do', async () => {
  await using it = await tickingLine(YEARLY)
  const { house } = it
  const list = async (as: string) => (await house.ask('GET /api/v1/schedules', undefined, { as })).body.items
  expect(await list((await person(house, 'eve')).token)).toEqual([])
  const operator = await person(house, 'ada', { role: 'operator', project: 'shop' })
  expect(await list(operator.token)).toMatchObject([{ name: 'tick', may: { fire: true, pause: false } }])
})

test('the numbers of the clock are for who sees the whole server', async () => {
  await using it = await tickingLine(YEARLY)
  await it.tick()
  expect((await it.house.ask('GET /metrics', undefined, { as: null })).status).toBe(401)
  const { token: as } = await person(it.house, 'eve')
  expect((await it.house.ask('GET /metrics', undefined, { as })).status).toBe(403)
  await until(async () => (await it.house.ask('GET /metrics')).text.includes('lag_seconds_count 1'))
  const { text, headers } = await it.house.ask('GET /metrics')
  expect(headers.get('content-type')).toContain('version=0.0.4')
  expect(text).toContain('# TYPE takt_schedule_lag_seconds histogram\n')
  expect(text).toContain('takt_schedule_lag_seconds_bucket{le="60"} 1\n')
  expect(text).toContain('takt_runs{state="queued"} 2\n')
})

test('of two servers one lets each time come', async () => {
  await using it = await steeredLine(file('1s, overlap: allow, misfire: all'))
  const { databaseUrl: DATABASE_URL, dataDir: TAKT_DATA } = it.house
  await using _other = await serverProcess({ DATABASE_URL, TAKT_DATA })
  await it.push()
  await until(async () => (await it.runs('nightly')).length >= 5)
  const rows = await it.house.db
    .selectFrom('firings')
    .select(['due_at', 'fate', 'version_id'])
    .orderBy('id')
    .execute()
  const spans = rows.slice(1).map(({ due_at }, index) => due_at.getTime() - rows[index]!.due_at.getTime())
  expect(new Set(spans)).toEqual(new Set([1_000]))
  expect(new Set(rows.map(({ version_id }) => version_id)).size).toBe(rows.length)
})
