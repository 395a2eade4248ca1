import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { directoryStore } from '../../server/files/directory-store.ts'
import { sweepFiles } from '../../server/files/sweep.ts'
import { asRunner, packed } from '../support/archives.ts'
import { steeredLine } from '../support/steer.ts'

const FILE =
  'jobs: { build: { run: make, keep: { paths: dist/, for: 1d, runs: 2 } }, test: { needs: build, run: x } }'
const ALONE = "triggers: { push: ['**'] }\njobs: { build: { run: make } }\n"

async function keptLine(file = FILE) {
  const line = await steeredLine(file)
  const folder = join(line.house.dataDir, 'store')
  const vault = { db: line.house.db, store: directoryStore(folder) }
  /** A run of `build` that kept something; it has succeeded. */
  const build = async () => {
    await line.push()
    const run = (await line.claim())!
    const put = await asRunner(line.house, `PUT /runner/runs/${run.id}/kept`, {
      ...run,
      body: await packed({ a: 'a' }),
    })
    expect(put.status).toBe(201)
    await line.endRun(run.id, 'succeed')
    await line.quiet()
    return run.id
  }
  const later = (words: string) =>
    sql`update archives set created_at = created_at - ${words}::interval`.execute(line.house.db)
  const there = async () => {
    const { rows } = await sql<{ run_id: number }>`
      select run_id from kept where archive_id is not null order by 1`.execute(line.house.db)
    return rows.map(({ run_id }) => run_id)
  }
  const inStore = async () =>
    (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length
  return {
    ...line,
    vault,
    build,
    later,
    there,
    inStore,
    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  }
}

test('kept files go when their time is over, and not while a run that needs them is open', async () => {
  await using line = await keptLine()
  const first = await line.build()
  await sql`update kept set expires_at = now() - interval '1 second'`.execute(line.house.db)
  await line.later('2 hours')
  await sweepFiles(line.vault)
  expect(await line.there()).toEqual([first])
  const test = (await line.claim())!
  const kept = `GET /runner/runs/${test.id}/kept/${first}`
  expect((await asRunner(line.house, kept, test)).status).toBe(200)
  await line.endRun(test.id, 'succeed')
  await sweepFiles(line.vault)
  expect([await line.there(), await line.inStore()]).toEqual([[], 0])
  const { items } = (await line.house.ask(`GET /api/v1/runs/${first}/artifacts`)).body
  expect(items).toMatchObject([{ name: 'kept', expired: true }])
  const gone = await line.house.ask(`GET /api/v1/runs/${first}/artifacts/kept/files`)
  expect(gone).toMatchObject({
    status: 410,
    body: { code: 'files-expired', detail: expect.stringContaining('keep') },
  })
})

test('of a job on a lane the files of the newest runs are kept', async () => {
  await using line = await keptLine()
  const runs: number[] = []
  for (let round = 0; round < 3; round++) {
    runs.push(await line.build())
    await line.end('test', 'succeed')
  }
  await line.later('2 hours')
  await sweepFiles(line.vault)
  expect([await line.there(), await line.inStore()]).toEqual([runs.slice(1), 4])
})

test('what was begun and never ended is removed, and what is being written is not', async () => {
  await using line = await keptLine()
  await line.build()
  const half = {
    key: `archives/00/${'0'.repeat(32)}`,
    packed_bytes: null,
    bytes: null,
    files: null,
    digest: null,
  }
  await line.house.db.insertInto('archives').values(half).execute()
  await line.later('2 hours')
  await sweepFiles(line.vault)
  expect(await line.house.db.selectFrom('archives').select('id').execute()).toHaveLength(2)
  await line.later('23 hours')
  await sweepFiles(line.vault)
  expect(await line.house.db.selectFrom('archives').select('id').execute()).toHaveLength(1)
})

/** A run of `build` on a lane leaves a state and a cache, and ends like this. */
async function leave(line: Awaited<ReturnType<typeof keptLine>>, move: 'succeed' | 'fail', branch = 'main') {
  await line.push({}, branch)
  const run = (await line.claim())!
  const key = `${'0'.repeat(16)}-${String(run.id).padStart(64, '0')}`
  for (const place of ['state', `caches/npm/${key}`]) {
    const request = `PUT /runner/runs/${run.id}/${place}`
    const body = await packed({ a: `${run.id}` })
    expect((await asRunner(line.house, request, { ...run, body })).status).toBe(201)
  }
  await line.endRun(run.id, move)
  return run.id
}
const statesOf = async ({ house }: Awaited<ReturnType<typeof keptLine>>) => {
  const rows = await house.db.selectFrom('states').select('run_id').orderBy('run_id').execute()
  return rows.map(({ run_id }) => run_id)
}

test('of a job on a lane the newest states of runs that succeeded stay, and the newest caches', async () => {
  await using line = await keptLine(ALONE)
  const runs: number[] = []
  for (let round = 0; round < 4; round++) runs.push(await leave(line, 'succeed'))
  await leave(line, 'fail')
  for (let round = 0; round < 7; round++) runs.push(await leave(line, 'succeed'))
  expect(await statesOf(line)).toEqual(runs.slice(-6)) // five, and its own
  expect(await line.house.db.selectFrom('caches').select('key').execute()).toHaveLength(10)
})

test('states and caches of a closed lane go after a day, also what was left there later', async () => {
  await using line = await keptLine(ALONE)
  const kept = await leave(line, 'succeed')
  const first = await leave(line, 'succeed', 'topic')
  const { db } = line.house
  const closed = (words: string) =>
    sql`update lanes set closed_at = now() - ${words}::interval where name = 'topic'`.execute(db)
  await closed('23 hours')
  await sweepFiles(line.vault)
  expect(await statesOf(line)).toEqual([kept, first])
  await closed('25 hours')
  await sweepFiles(line.vault)
  expect(await statesOf(line)).toEqual([kept])
  expect(await db.selectFrom('caches').select('key').execute()).toHaveLength(1)
  await leave(line, 'succeed', 'topic')
  await closed('25 hours')
  await sweepFiles(line.vault)
  expect(await statesOf(line)).toEqual([kept])
})

test('a store of any size is looked through piece by piece, and then from the beginning again', async () => {
  await using line = await keptLine(ALONE)
  await sql`insert into archives (key, packed_bytes, created_at)
    select 'archives/00/' || lpad(n::text, 32, '0'), 0, now() - interval '1 day' from generate_series(1, 250) n`.execute(
    line.house.db,
  )
  const left = async () => (await line.house.db.selectFrom('archives').select('id').execute()).length
  const round = { after: 0 }
  expect([await sweepFiles(line.vault, round), await left()]).toEqual([true, 150])
  expect(round.after).toBeGreaterThan(0)
  expect([await sweepFiles(line.vault, round), await left()]).toEqual([true, 50])
  expect([await sweepFiles(line.vault, round), await left()]).toEqual([false, 0])
  await sweepFiles(line.vault, round)
  expect(round.after).toBe(0)
})
