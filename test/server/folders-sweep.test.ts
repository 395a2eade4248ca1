import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { directoryStore } from '../../server/files/directory-store.ts'
import { sweepFiles } from '../../server/files/sweep.ts'
import { asRunner, packed } from '../support/archives.ts'
import { leased } from '../support/leased.ts'
import { steeredLine } from '../support/steer.ts'

const line = (bundle: string, get = 'bundle') => `
resources: { src: { git: . }, bundle: { files: ${bundle} }, tfstate: { state: {} } }
jobs:
  make: { get: src, when: push, put: { bundle: { paths: [a] }, tfstate: {} } }
  take: { get: ${get}, run: x }
`

/** A line whose job `make` puts folders in the hands of the test. */
async function putting(file: string) {
  const it = await steeredLine(file)
  const { db } = it.house
  const vault = { db, store: directoryStore(join(it.house.dataDir, 'store')) }
  /** A run puts a folder of this content. @returns What the folder is called. */
  const put = async (resource: 'bundle' | 'tfstate', content: string): Promise<string> => {
    await it.push()
    const run = await leased(it)
    const body = await packed({ a: content })
    const sent = await asRunner(it.house, `PUT /runner/runs/${run.plan.run}/folders/${resource}`, {
      ...run,
      body,
    })
    const folder = sent.body.version as string
    const said = resource === 'bundle' ? { kind: 'files', folder } : { kind: 'state', folder, set: {} }
    expect((await run.put(resource, said)).status).toBe(200)
    await run.end('succeed')
    return folder
  }
  const later = async (words: string) => {
    await sql`update archives set created_at = created_at - ${words}::interval`.execute(db)
    await sql`update folders set created_at = created_at - ${words}::interval, expires_at = expires_at - ${words}::interval`.execute(
      db,
    )
  }
  const sweep = () => sweepFiles(vault)
  /** The folders whose files are there. */
  const there = async () => {
    const rows = await db
      .selectFrom('folders')
      .select('version')
      .where('archive_id', 'is not', null)
      .execute()
    return rows.map(({ version }) => version).toSorted()
  }
  return { ...it, put, later, sweep, there, [Symbol.asyncDispose]: () => it[Symbol.asyncDispose]() }
}

const sorted = (...folders: string[]) => folders.toSorted()

test('what a state resource holds stays, however its versions are called', async () => {
  await using it = await putting(line('{}'))
  const folder = await it.put('tfstate', 'first')
  await it.later('3 days')
  await it.sweep()
  expect(await it.there()).toEqual([folder])
  expect(await it.house.db.selectFrom('archives').select('id').execute()).toHaveLength(1)
})

test('a folder that was sent and became no version is gone after a day', async () => {
  await using it = await putting(line('{}'))
  await it.push()
  const run = await leased(it)
  const request = `PUT /runner/runs/${run.plan.run}/folders/bundle`
  await asRunner(it.house, request, { ...run, body: await packed({ a: 'x' }) })
  await it.later('23 hours')
  await it.sweep()
  expect(await it.there()).toHaveLength(1)
  await it.later('2 hours')
  await it.sweep()
  expect(await it.house.db.selectFrom('folders').select('version').execute()).toEqual([])
  expect(await it.house.db.selectFrom('archives').select('id').execute()).toEqual([])
})

test('without words about it a version of files is kept for ever', async () => {
  await using it = await putting(line('{}'))
  const folder = await it.put('bundle', 'x')
  await it.later('4000 days')
  await it.sweep()
  expect(await it.there()).toEqual([folder])
})

test('a version of files goes when its time is over, not while an open run takes it, and says so then', async () => {
  await using it = await putting(line('{ keep: 2d }'))
  const folder = await it.put('bundle', 'x')
  const take = await leased(it)
  const get = `GET /runner/runs/${take.plan.run}/folders/bundle/${folder}`
  await it.later('3 days')
  await it.sweep()
  expect((await asRunner(it.house, get, take)).status).toBe(200)
  await sql`update runs set state = 'succeeded', lease_token = null, lease_until = null, ended_at = now()
    where id = ${take.plan.run}`.execute(it.house.db)
  await it.sweep()
  expect(await it.there()).toEqual([])
  expect(await it.house.db.selectFrom('archives').select('id').execute()).toEqual([])
  await sql`update runs set state = 'running', lease_token = ${take.lease}, lease_until = now() + interval '1 hour', ended_at = null
    where id = ${take.plan.run}`.execute(it.house.db)
  expect(await asRunner(it.house, get, take)).toMatchObject({
    status: 410,
    body: { code: 'files-expired', detail: expect.stringMatching(/bundle .* put them again, or .*keep/) },
  })
})

test('of a lane so many versions of files are kept as were put last', async () => {
  await using it = await putting(line('{ runs: 2 }', '{ src: { trigger: false } }'))
  const first = await it.put('bundle', '1')
  const second = await it.put('bundle', '2')
  expect(await it.put('bundle', '1')).toBe(first)
  await it.sweep()
  expect(await it.there()).toEqual(sorted(first, second))
  const third = await it.put('bundle', '3')
  await it.sweep()
  expect(await it.there()).toEqual(sorted(first, third))
})

test('a version of files that expired is there again when it is put again', async () => {
  await using it = await putting(line('{ keep: 2d }', '{ src: { trigger: false } }'))
  const folder = await it.put('bundle', 'x')
  await it.later('3 days')
  await it.sweep()
  expect(await it.there()).toEqual([])
  expect(await it.put('bundle', 'x')).toBe(folder)
  await it.later('1 day')
  await it.sweep()
  expect(await it.there()).toEqual([folder])
})

test('what a person or a file has pinned does not expire', async () => {
  await using it = await putting(line('{ keep: 2d }', '{ src: { trigger: false } }'))
  const mine = await it.put('bundle', 'by a person')
  const files = await it.put('bundle', 'by the file')
  await it.put('bundle', 'by nobody')
  const { rows } = await sql<{ id: number; lane: number; resource: number }>`
    select id, lane_id as lane, resource_id as resource from versions where name = ${mine}`.execute(
    it.house.db,
  )
  const [version] = rows
  await sql`insert into pins (resource_id, lane_id, version_id, reason) values (${version!.resource}, ${version!.lane},
    ${version!.id}, 'it works')`.execute(it.house.db)
  await it.push({ '.takt.yml': line('{ keep: 2d }', `{ bundle: { version: ${files.slice(0, 12)} } }`) })
  await it.later('3 days')
  await it.sweep()
  await it.sweep()
  expect(await it.there()).toEqual(sorted(mine, files))
})
