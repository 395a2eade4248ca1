import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { NOBODY } from '#pipelines/access/roles.ts'
import type { JobId, LaneId } from '#pipelines/ids.ts'
import type { Db } from '../../server/db/connect.ts'
import { findPipeline, laneOf, viewPipeline } from '../../server/lines/queries.ts'
import { loadFacts } from '../../server/scheduler/facts.ts'
import { isPlanned, placeOf } from '../../server/scheduler/place.ts'
import { openTriggers } from '../../server/scheduler/triggers.ts'
import { steeredLine } from '../support/steer.ts'

const LINE = `jobs:
  build: { run: say build }
  lint: { needs: build, run: say lint }
  unit: { needs: build, run: say unit }
  ship: { needs: [build, lint, unit], run: say ship }
`

/** As if `count` more commits had gone down the whole line before. */
async function olden(db: Db, count: number): Promise<void> {
  await sql`
    insert into versions (resource_id, lane_id, seq, name, body)
    select resource_id, lane_id, seq - n, md5(n || 'a') || left(md5(n || 'b'), 8), body
    from versions, generate_series(1, ${count}::int) n where id = 1`.execute(db)
  await sql`
    insert into runs (job_id, lane_id, revision_id, number, state, reason, advances, ended_at)
    select runs.job_id, runs.lane_id, revision_id, number + 10 * versions.id, 'succeeded', 'once', true, now()
    from versions, runs where versions.id > 1 order by versions.id, runs.id`.execute(db)
  await sql`
    insert into run_inputs (run_id, position, resource_id, version_id)
    select id, 0, 1, (number - 1) / 10 from runs where reason = 'once'`.execute(db)
  await sql`
    insert into endings (job_id, lane_id, run_id, how)
    select job_id, lane_id, id, 'success' from runs where reason = 'once' order by id`.execute(db)
  await sql`
    insert into ending_versions (job_id, lane_id, version_id, ending_id, resource_id)
    select endings.job_id, endings.lane_id, version_id, endings.id, resource_id
    from endings join run_inputs on run_inputs.run_id = endings.run_id
    join runs on runs.id = endings.run_id where runs.reason = 'once'`.execute(db)
  await sql`
    insert into triggers (job_id, lane_id, kind, edge, ending_id, fate, run_id, settled_at)
    select jobs.id, 1, 'ending', 'build', endings.id, 'run', endings.run_id, now()
    from endings, jobs where jobs.name = 'ship'`.execute(db)
  await sql`analyze`.execute(db)
}

type Cost = { queries: number; rows: number }

/** What some reading costs: how many queries it is, and how many rows of tables PostgreSQL looks at for it. */
async function costOf(db: Db, read: (db: Db) => Promise<unknown>): Promise<Cost> {
  let queries = 0
  const counting = db.withPlugin({
    transformQuery: ({ node }) => (queries++, node),
    transformResult: async ({ result }) => result,
  })
  return counting.transaction().execute(async (trx) => {
    const before = await rowsRead(trx)
    queries = 0
    await read(trx)
    const asked = queries
    return { queries: asked, rows: (await rowsRead(trx)) - before }
  })
}

/** What this connection has read so far, and not reported yet. */
async function rowsRead(db: Db): Promise<number> {
  const { rows } = await sql<{ rows: number }>`
    select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint as rows
    from pg_stat_xact_user_tables where relname in
      ('versions', 'runs', 'run_inputs', 'endings', 'ending_versions', 'triggers', 'run_needs')`.execute(db)
  return rows[0]!.rows
}

async function costs(db: Db, kind: 'ending' | 'changed'): Promise<Cost> {
  const job = (await db.selectFrom('jobs').select('id').where('name', '=', 'ship').executeTakeFirstOrThrow())
    .id
  return costOf(db, async (trx) => {
    const place = await placeOf(trx, job as JobId, 1 as LaneId)
    if (!isPlanned(place)) throw new Error('the line has no ship')
    const { triggers } = await openTriggers(trx as never, place)
    const facts = await loadFacts(trx as never, place, {
      triggers: triggers.filter((trigger) => trigger.kind === kind),
    })
    expect(facts.needs.map((need) => need.endings.length)).not.toContain(0)
  })
}

async function measured(commits: number) {
  await using it = await steeredLine(LINE)
  const { db } = it.house
  await it.push()
  for (const job of ['build', 'lint', 'unit', 'ship']) await it.end(job, 'succeed')
  await olden(db, commits)
  await it.push()
  for (const job of ['build', 'lint', 'unit']) await it.end(job, 'succeed')
  await it.quiet()
  await sql`insert into triggers (job_id, lane_id, kind, edge, ending_id)
    select jobs.id, 1, 'ending', 'unit', (select max(id) from endings) from jobs where name = 'ship'`.execute(
    db,
  )
  await sql`insert into triggers (job_id, lane_id, kind, edge)
    select jobs.id, 1, 'changed', 'a whim' from jobs where name = 'ship'`.execute(db)
  const pipeline = (await findPipeline(db, 'shop', 'main'))!
  const lane = (await laneOf(db, pipeline.id, 'main'))!
  return {
    ending: await costs(db, 'ending'),
    changed: await costs(db, 'changed'),
    view: await costOf(db, (trx) => viewPipeline(trx, pipeline, { lane, access: NOBODY })),
  }
}

test('a look at a job, and a page of its line, cost the same however long the history', async () => {
  const [short, long] = [await measured(300), await measured(6_000)]
  expect(long.ending.queries).toBeLessThanOrEqual(12)
  for (const what of ['ending', 'changed', 'view'] as const) {
    expect({ what, queries: long[what].queries }).toEqual({ what, queries: short[what].queries })
    expect({ what, rows: long[what].rows }).toEqual({
      what,
      rows: expect.toSatisfy((rows) => rows <= short[what].rows * 1.2),
    })
  }
})
