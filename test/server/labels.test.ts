import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { HELLO, hand, work } from '../support/hand.ts'
import type { Db } from '../../server/db/connect.ts'
import { queuesFor } from '../../server/runs/queues.ts'
import { hostedProject } from '../support/repository.ts'
import { startHouse } from '../support/server.ts'
import { steeredLine as line } from '../support/steer.ts'
import { until } from '../support/until.ts'

const LABELLED = `jobs:
  plain: { run: say x }
  gpu: { runs_on: gpu, run: say x }
  big: { runs_on: { arch: arm64, gpu: a100 }, run: say x }
`

test('a run goes to a runner that has all of its labels, whoever asks first', async () => {
  await using it = await line(LABELLED)
  await it.push()
  expect([await it.claim(), await it.claim()].map((run) => run?.job)).toEqual(['plain', undefined])
  expect((await it.claim({ gpu: '' }))?.job).toBe('gpu')
  expect(await it.claim({ gpu: 'a100' })).toBeNull()
  expect(await it.claim({ gpu: 'h100', arch: 'arm64' })).toBeNull()
  expect((await it.claim({ gpu: 'a100', arch: 'arm64' }))?.job).toBe('big')
})

test('what nobody can take stands in nobody’s way', async () => {
  await using it = await line(LABELLED)
  for (let commits = 0; commits < 3; commits++) await it.push()
  const taken = [await it.claim(), await it.claim(), await it.claim(), await it.claim()]
  expect(taken.map((run) => run?.job)).toEqual(['plain', 'plain', 'plain', undefined])
})

test('each leg of a matrix asks for its own machine', async () => {
  await using it = await line(
    'jobs:\n  test: { matrix: { arch: [amd64, arm64] }, runs_on: arch=$(matrix.arch), run: say x }\n',
  )
  await it.push()
  const second = await it.claim({ arch: 'arm64' })
  const run = (await it.house.ask(`GET /api/v1/runs/${second?.id}`)).body
  expect(run).toMatchObject({ matrix: { arch: 'arm64' }, runs_on: ['arch=arm64'] })
  expect(await it.claim({ arch: 'arm64' })).toBeNull()
})

test('a queued run that nobody can take says what is missing, as long as it is', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await clone.push({ '.takt.yml': LABELLED })
  const held = async (job: string) =>
    (await house.ask('GET /api/v1/runs')).body.items.find((run: { job: string }) => run.job === job)?.held
  await until(async () => (await held('gpu')) === 'no runner has `gpu`')
  expect(await held('plain')).toBeNull()
  await using plain = await hand(house, { ...HELLO, name: 'plain' })
  expect(await held('plain')).toBeNull()
  expect(await held('gpu')).toBe('no runner has `gpu`')
  expect(await held('big')).toBe('no runner has `arch=arm64` and `gpu=a100`')
  const { jobs } = (await house.ask('GET /api/v1/projects/shop/pipelines/main')).body
  expect(jobs.find((job: { name: string }) => job.name === 'gpu').waiting).toContain('no runner has `gpu`')
  await using able = await hand(house, { ...HELLO, name: 'able', labels: { gpu: 'yes' } })
  await until(async () => (await held('gpu')) === null)
  plain.say({ say: 'ready', slots: 1 })
  expect((await until(() => work(plain.heard))).plan.job).toBe('plain')
  able.say({ say: 'ready', slots: 1 })
  expect((await until(() => work(able.heard))).plan.job).toBe('gpu')
})

test('the project that has the fewest runs under way goes first, and among equals the run that is due first', async () => {
  await using house = await startHouse()
  await using busy = await hostedProject(house, 'busy')
  await using calm = await hostedProject(house, 'calm')
  const FILE = "triggers: { push: ['**'] }\njobs: { test: { run: say x } }"
  for (const branch of ['main', 'b', 'c', 'd']) await busy.push({ '.takt.yml': FILE, branch }, { branch })
  const runs = async () => (await house.ask('GET /api/v1/runs')).body.items
  await until(async () => (await runs()).length === 4)
  for (const branch of ['main', 'b']) await calm.push({ '.takt.yml': FILE, branch }, { branch })
  await until(async () => (await runs()).length === 6)
  await using runner = await hand(house)
  runner.say({ say: 'ready', slots: 6 })
  const given = await until(() => {
    const all = runner.heard.flatMap((said) => (said.say === 'work' ? [said.plan.project] : []))
    return all.length === 6 && all
  })
  expect(given).toEqual(['busy', 'calm', 'busy', 'calm', 'busy', 'busy'])
})

/** How many rows of runs PostgreSQL looks at to find the queues of a runner. */
async function looked(db: Db): Promise<number> {
  const { id } = await db.selectFrom('runners').select('id').executeTakeFirstOrThrow()
  const read = sql<{ rows: number }>`
    select (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as rows
    from pg_stat_xact_user_tables where relname = 'runs'`
  return db.transaction().execute(async (trx) => {
    const before = (await read.execute(trx)).rows[0]!.rows
    expect(await queuesFor(trx, id)).toHaveLength(1)
    return (await read.execute(trx)).rows[0]!.rows - before
  })
}

test('what a claim looks at does not grow with what waits', async () => {
  await using it = await line('jobs:\n  slow: { run: say x }\n')
  await it.push()
  await it.claim()
  await it.push()
  const waiting = async (count: number) => {
    await sql`
      insert into runs (job_id, lane_id, revision_id, number, state, reason, advances, project_id)
      select job_id, lane_id, revision_id, 1000 + ${count} + i, 'queued', 'seeded', true, project_id
      from runs, generate_series(1, ${count}::int) i where runs.id = 1`.execute(it.house.db)
    await sql`analyze runs`.execute(it.house.db)
    return looked(it.house.db)
  }
  await waiting(1_000)
  const [few, many] = [await waiting(1), await waiting(20_000)]
  expect(many).toBeLessThanOrEqual(few)
  expect((await it.claim())?.job).toBe('slow')
})
