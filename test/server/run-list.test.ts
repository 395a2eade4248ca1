import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { NOBODY } from '#pipelines/access/roles.ts'
import { listRuns } from '../../server/runs/queries.ts'
import { steeredLine } from '../support/steer.ts'

const ADMIN = { ...NOBODY, site: true }

test('runs of a job, a lane or both are listed newest first, by pages, as the names say', async () => {
  await using it = await steeredLine(
    "triggers: { push: ['**'] }\njobs:\n  a: { run: say a }\n  b: { run: say b }\n",
  )
  for (const branch of ['main', 'one', 'main', 'one']) await it.push({}, branch)
  const all = await it.runs()
  const asked = [undefined, 'a', 'none'].flatMap((job) =>
    [undefined, 'one', 'none'].map((lane) => ({ job, lane })),
  )
  for (const { job, lane } of asked) {
    const wanted = all
      .filter((run) => (job ?? run.job) === run.job && (lane ?? run.lane) === run.lane)
      .map((run) => run.id)
      .toReversed()
    const found = async (more: object) =>
      (await listRuns(it.house.db, { access: ADMIN, project: 'shop', job, lane, limit: 50, ...more })).map(
        ({ id }) => id,
      )
    expect(await found({})).toEqual(wanted)
    expect(await found({ limit: 1 })).toEqual(wanted.slice(0, 1))
    expect(await found({ before: wanted[0] })).toEqual(wanted.slice(wanted.length > 0 ? 1 : 0))
    expect(await found({ state: 'failed' })).toEqual([])
    expect(await found({ project: 'other' })).toEqual([])
  }
})

test.each([
  ['a job that seldom ran reads nothing of those that run all the time', { job: 'rare' }, 0],
  ['a state that a job was seldom in reads nothing of its others', { job: 'a', state: 'failed' }, 1],
] as const)('a list of %s', async (_, filter, count) => {
  await using it = await steeredLine('jobs:\n  a: { run: say a }\n')
  await it.push()
  await it.end('a', 'fail')
  await sql`insert into jobs (pipeline_id, name) select pipeline_id, other from jobs, unnest(array['rare', 'red']) other`.execute(
    it.house.db,
  )
  await sql`insert into runs (job_id, lane_id, revision_id, number, state, reason, advances, ended_at)
    select job_id, lane_id, revision_id, number + n, 'succeeded', 'once', true, now()
    from runs, generate_series(1, 20000) n`.execute(it.house.db)
  // Elsewhere the state is no rarity.
  await sql`insert into runs (job_id, lane_id, revision_id, number, state, reason, advances, ended_at)
    select jobs.id, lane_id, revision_id, runs.number + n, 'failed', 'once', true, now()
    from runs, jobs, generate_series(1, 10000) n where runs.number = 1 and jobs.name = 'red'`.execute(
    it.house.db,
  )
  await sql`analyze`.execute(it.house.db)
  const read = await it.house.db.transaction().execute(async (trx) => {
    const rows = async () => {
      const { rows } = await sql<{ n: number }>`
        select (seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint as n from pg_stat_xact_user_tables where relname = 'runs'`.execute(
        trx,
      )
      return rows[0]!.n
    }
    const before = await rows()
    expect(await listRuns(trx, { access: ADMIN, project: 'shop', ...filter, limit: 50 })).toHaveLength(count)
    return (await rows()) - before
  })
  expect(read).toBeLessThan(100)
})
