import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { countOn } from '../../server/tallies/count.ts'
import { person } from '../support/people.ts'
import { hostedProject } from '../support/repository.ts'
import type { House } from '../support/server.ts'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

const LINE = `jobs:
  test: { run: say x }
  ship: { needs: [test], run: say y }
`

/** As a file will name it that deploys. */
const deploys = (house: House) =>
  sql`update runs set environment = 'live' from jobs where jobs.id = runs.job_id and jobs.name = 'ship'`.execute(
    house.db,
  )

/** Everything that has happened is counted. */
const counted = (house: House) =>
  until(async () => {
    const { rows } = await sql<{ done: boolean }>`
      select event_id >= (select coalesce(max(id), 0) from events) as done from tally_cursor`.execute(
      house.db,
    )
    return rows[0]!.done
  })
async function metrics(house: House, path = 'metrics', as?: string | null) {
  await counted(house)
  return (await house.ask(`GET /api/v1/${path}`, undefined, as === undefined ? {} : { as })).body
}

test('runs are counted as they end: how many, how long, and what they delivered', async () => {
  await using it = await steeredLine(LINE)
  await it.push()
  await it.end('test', 'succeed')
  await deploys(it.house)
  await it.end('ship', 'fail')
  await it.push()
  await it.end('test', 'succeed')
  await deploys(it.house)
  await it.end('ship', 'succeed')
  for (const range of ['24h', '7d', '30d', '90d']) {
    const { total, points, jobs } = await metrics(it.house, `projects/shop/metrics?range=${range}`)
    expect(total).toMatchObject({
      succeeded: 3,
      failed: 1,
      errored: 0,
      deployments: 1,
      deployments_failed: 1,
    })
    expect(total).toMatchObject({ duration: { n: 4 }, waiting: { n: 4 }, lead: { n: 1 }, restore: { n: 1 } })
    expect(points).toHaveLength({ '24h': 24, '7d': 7, '30d': 30, '90d': 90 }[range]!)
    expect(points.reduce((sum: number, point: { failed: number }) => sum + point.failed, 0)).toBe(1)
    expect(jobs).toHaveLength(2)
    expect(jobs).toContainEqual(
      expect.objectContaining({ project: 'shop', pipeline: 'main', job: 'ship', runs: 2, green: 1 }),
    )
  }
})

test('of a line that deploys nothing, the way of a commit ends with its last job, and is told once', async () => {
  await using it = await steeredLine('jobs:\n  test: { run: say x }\n  pack: { needs: [test], run: say y }\n')
  await it.push()
  await it.end('test', 'succeed')
  const run = await it.end('pack', 'succeed')
  const again = await it.house.ask(`POST /api/v1/runs/${run}/retry`, {})
  await it.endRun(again.body.id, 'succeed')
  const { total } = await metrics(it.house)
  expect(total).toMatchObject({ succeeded: 3, deployments: 0, lead: { n: 1 }, restore: null })
})

test('each run is counted once, whoever counts, and however often from the beginning', async () => {
  await using it = await steeredLine('jobs:\n  test: { run: say x }\n')
  await it.push()
  await it.end('test', 'succeed')
  await counted(it.house)
  const tallies = () =>
    it.house.db.selectFrom('tallies').selectAll().orderBy('what').orderBy('grain').execute()
  const before = await tallies()
  await it.house.db.transaction().execute(async (trx) => {
    await sql`delete from tallies`.execute(trx)
    await sql`update tally_cursor set event_id = 0`.execute(trx)
  })
  await Promise.all([1, 2, 3].map(() => countOn(it.house.db)))
  await counted(it.house)
  expect(await tallies()).toEqual(before)
})

test('what is counted of a test is in how many runs it was flaky', async () => {
  await using it = await steeredLine('jobs:\n  test: { run: say x }\n')
  await it.push()
  const run = (await it.runs())[0]!
  await sql`with job as (select job_id from runs where id = ${run.id}), added as (
      insert into tests (job_id, hash, suite, name)
      select job_id, sha256(name::bytea), 'unit', name from job, unnest(array['waves', 'holds']) name returning id, name)
    insert into test_results (run_id, test_id, state, message, details, wavered, flaky, rank)
    select ${run.id}, id, 'passed', '', '', name = 'waves', name = 'waves', case name when 'waves' then 2 else 3 end
    from added`.execute(it.house.db)
  await it.end('test', 'succeed')
  expect((await metrics(it.house)).flaky).toEqual([
    { project: 'shop', pipeline: 'main', job: 'test', suite: 'unit', name: 'waves', runs: 1 },
  ])
})

test('one sees the numbers of what one may see, and of nothing else', async () => {
  await using it = await steeredLine('jobs:\n  test: { run: say x }\n')
  await using _other = await hostedProject(it.house, 'other')
  await it.push()
  await it.end('test', 'succeed')
  const insider = (await person(it.house, 'ida', { role: 'viewer', project: 'shop' })).token
  const outsider = (await person(it.house, 'oda', { role: 'viewer', project: 'other' })).token
  expect((await metrics(it.house, 'metrics', insider)).total.succeeded).toBe(1)
  expect(await metrics(it.house, 'metrics', outsider)).toMatchObject({ total: { succeeded: 0 }, jobs: [] })
  expect((await metrics(it.house, 'projects/shop/metrics', outsider)).code).toBe('project-not-found')
  expect((await metrics(it.house, 'organizations/default/metrics')).total.succeeded).toBe(1)
  expect((await metrics(it.house, 'projects/none/metrics')).code).toBe('project-not-found')
  expect((await metrics(it.house, 'metrics?range=5y')).code).toBe('invalid-request')
})
