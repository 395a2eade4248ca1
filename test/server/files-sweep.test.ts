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

async function keptLine() {
  const line = await steeredLine(FILE)
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
