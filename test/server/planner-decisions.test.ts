import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { JobId, LaneId, PipelineId, ResourceId, VersionId } from '#pipelines/ids.ts'
import { pause, resume } from '../../server/catalog/pause.ts'
import { transact } from '../../server/db/transact.ts'
import { disableVersion, enableVersion } from '../../server/resources/disable-version.ts'
import { pinVersion, unpinVersion } from '../../server/resources/pin-version.ts'
import { recordOutput } from '../../server/resources/record-output.ts'
import { lockRun } from '../../server/runs/lock-run.ts'
import { rerunFailed } from '../../server/runs/rerun-failed.ts'
import { runWithNewest, startByHand } from '../../server/scheduler/start-by-hand.ts'
import { steeredLine as line } from '../support/steer.ts'

const CHAIN = 'jobs:\n  build: { run: say built }\n  test: { needs: build, run: say green }\n'
const by = { id: 1 as never, name: 'Ann' }
const MAIN = 1 as LaneId
const fates = (triggers: readonly { fate: string; reason: string | null }[]) =>
  triggers.map(({ fate, reason }) => (reason === null ? fate : `${fate}: ${reason}`))

async function idOf<Id>(it: { house: { db: Parameters<typeof pause>[0] } }, table: string, name: string) {
  const { rows } = await sql<{ id: Id }>`
    select id from ${sql.table(table)} where starts_with(name, ${name})`.execute(it.house.db)
  return rows[0]!.id
}

test('a paused job takes nothing and says why; when it goes on, it looks again', async () => {
  await using it = await line(CHAIN)
  const { db } = it.house
  const job = await it.push().then(() => idOf<JobId>(it, 'jobs', 'test'))
  await pause(db, { of: 'job', id: job }, { by, reason: 'the cluster moves' })
  await it.end('build', 'succeed')
  expect(fates(await it.triggers('test'))).toEqual(['no-run: paused by admin: the cluster moves'])
  const view = async () =>
    (await it.house.ask('GET /api/v1/projects/shop/pipelines/main')).body.jobs[1].waiting
  expect(await view()).toBe('paused by admin: the cluster moves')
  expect(await it.runs('test')).toEqual([])
  expect(await resume(db, { of: 'job', id: job }, by)).toBe(true)
  expect(await it.runs('test')).toMatchObject([{ state: 'queued' }])
  expect(await view()).toBeNull()
  expect(await resume(db, { of: 'job', id: job }, by)).toBe(false)
})

test('a job takes the version that its resource is pinned to, and after that the newest again', async () => {
  await using it = await line(CHAIN)
  const { db } = it.house
  const first = await it.push()
  const pinned = await idOf<VersionId>(it, 'versions', first)
  await pinVersion(db, { version: pinned, lane: MAIN }, { by, reason: 'the demo' })
  const second = await it.push()
  expect(fates(await it.triggers('build')).at(-1)).toBe(
    `no-run: src is pinned to ${first} by admin: the demo`,
  )
  expect(await it.runs('build')).toHaveLength(1)
  const resource = await idOf<ResourceId>(it, 'resources', 'src')
  expect(await unpinVersion(db, { resource, lane: MAIN }, by)).toBe(true)
  expect((await it.runs('build')).map((run) => run.inputs)).toEqual([[`src ${first}`], [`src ${second}`]])
  expect(await unpinVersion(db, { resource, lane: MAIN }, by)).toBe(false)
})

test('a pin holds versions that other jobs have passed out of a set', async () => {
  await using it = await line(CHAIN)
  const first = await it.push()
  const second = await it.push()
  await pinVersion(
    it.house.db,
    { version: await idOf<VersionId>(it, 'versions', first), lane: MAIN },
    { by, reason: 'the demo' },
  )
  await it.end('build', 'succeed', 1)
  expect(await it.runs('test')).toEqual([])
  expect(fates(await it.triggers('test')).at(-1)).toContain(`pinned to ${first} by admin`)
  await it.end('build', 'succeed', 0)
  expect(await it.runs('test')).toMatchObject([{ inputs: [`src ${first}`] }])
  expect(second).not.toBe(first)
})

test('a version of another lane cannot be pinned', async () => {
  await using it = await line(`triggers: { push: ['**'] }\n${CHAIN}`)
  await it.push()
  const other = await it.push({}, 'feature')
  const version = await idOf<VersionId>(it, 'versions', other)
  await expect(pinVersion(it.house.db, { version, lane: MAIN }, { by, reason: 'no' })).rejects.toThrow(
    /another lane/,
  )
})

test('a version that is disabled is taken by no job, neither it nor what vouches for it', async () => {
  await using it = await line(CHAIN)
  const sha = await it.push()
  const version = await idOf<VersionId>(it, 'versions', sha)
  await disableVersion(it.house.db, version, { by, reason: 'it deletes carts' })
  await it.end('build', 'succeed')
  expect(fates(await it.triggers('test')).at(-1)).toBe(
    `no-run: build ended on src ${sha}, which was disabled by admin: it deletes carts`,
  )
  expect(await enableVersion(it.house.db, version, by)).toBe(true)
  expect(await it.runs('test')).toMatchObject([{ inputs: [`src ${sha}`] }])
})

test('a person starts a job on versions of his choice, told by the beginning of their names', async () => {
  await using it = await line(CHAIN)
  const first = await it.push()
  await it.end('build', 'succeed')
  await it.push()
  await it.end('build', 'succeed')
  const job = await idOf<JobId>(it, 'jobs', 'test')
  const start = (name: string) =>
    startByHand(it.house.db, { job, lane: MAIN }, by, { versions: new Map([['src', name]]), given: null })
  await start(first.slice(0, 5))
  expect((await it.runs('test')).at(-1)).toMatchObject({ inputs: [`src ${first}`], reason: 'started by Ann' })
  await expect(start('zzzz')).rejects.toThrow(/no version `zzzz`/)
  await expect(start(first.slice(0, 2))).rejects.toThrow(/no version/)
})

test('a run is repeated with the newest versions that agree', async () => {
  await using it = await line(CHAIN)
  await it.push()
  await it.end('build', 'fail')
  const old = (await it.runs('build'))[0]!
  const second = await it.push()
  await runWithNewest(it.house.db, old.id, by)
  expect((await it.runs('build')).at(-1)).toMatchObject({
    inputs: [`src ${second}`],
    reason: '#1 with the newest versions, by Ann',
  })
})

test('what failed of a commit is run again in the order of the line', async () => {
  await using it = await line('jobs:\n  a: { run: say a }\n  b: { run: say b }\n  c: { run: say c }\n')
  const sha = await it.push()
  await it.end('a', 'fail')
  await it.end('b', 'succeed')
  await it.end('c', 'cancel')
  const at = { pipeline: 1 as PipelineId, lane: MAIN, version: await idOf<VersionId>(it, 'versions', sha) }
  const again = await rerunFailed(it.house.db, at, by)
  const runs = (await it.runs()).filter((run) => again.includes(run.id))
  expect(runs.map(({ job, reason }) => `${job}: ${reason}`)).toEqual([
    'a: retry of #1 by Ann',
    'c: retry of #1 by Ann',
  ])
  expect(await rerunFailed(it.house.db, at, by)).toEqual([])
})

test('a version that a run puts starts the jobs that get it, at once, and tells what it comes of', async () => {
  await using it = await line(CHAIN)
  const sha = await it.push()
  const { db } = it.house
  const img = { name: 'img', kind: 'semver', initial: '0.0.0' }
  await sql`insert into resources (pipeline_id, name, kind) values (1, 'img', 'semver')`.execute(db)
  // No file can name such a resource yet, so the stored one is told of it.
  await sql`update revisions set sha = sha || 'x', definition = jsonb_set(
    jsonb_set(definition, '{resources,1}', ${JSON.stringify(img)}::jsonb),
    '{jobs,1,gets}', '[{"resource": "img", "trigger": true, "version": "latest", "start": null}]')`.execute(
    db,
  )
  await sql`update revisions set definition = jsonb_set(definition, '{jobs,1,needs}', '[]')`.execute(db)
  const build = (await it.runs('build'))[0]!
  const put = (name: string) =>
    transact(db, async (tx) =>
      recordOutput(tx, await lockRun(tx.db, build.id), {
        resource: 'img',
        name,
        body: { fields: { version: name } },
      }),
    )
  const version = await put('1.0.0')
  expect(await put('1.0.0')).toBe(version)
  expect(await it.triggers('test')).toMatchObject([{ kind: 'version', edge: 'img', fate: 'run' }])
  expect(await it.runs('test')).toMatchObject([{ state: 'queued', inputs: ['img 1.0.0'] }])
  const { rows } = await sql<{ name: string }>`
    select left(versions.name, 7) as name from version_origins join versions on versions.id = origin_id
    where version_id = ${version}`.execute(db)
  expect(rows).toEqual([{ name: sha }])
  const taken = await it.claim()
  expect(taken?.job).toBe('build')
  expect((await it.claim())?.job).toBe('test')
  const { status, body } = await it.house.ask('GET /api/v1/runs?job=test')
  expect({ status, inputs: body.items[0].inputs }).toMatchObject({
    status: 200,
    inputs: [{ resource: 'img', version: '1.0.0', title: null, author: null, ref: null }],
  })
})

test('a job that goes on starts nothing on a lane that is closed', async () => {
  await using it = await line("triggers: { push: ['**'] }\njobs:\n  a: { run: say a }\n")
  await it.push()
  const { id } = await it.house.db.selectFrom('jobs').select('id').executeTakeFirstOrThrow()
  await pause(it.house.db, { of: 'job', id: id }, { by, reason: 'lunch' })
  await it.push({}, 'feature')
  await sql`update lanes set closed_at = now() where name = 'feature'`.execute(it.house.db)
  await resume(it.house.db, { of: 'job', id: id }, by)
  expect((await it.runs()).map((run) => run.lane)).toEqual(['main'])
})
