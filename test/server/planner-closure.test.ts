import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { EndingId, JobId, LaneId } from '#pipelines/ids.ts'
import { parsePipeline } from '#pipelines/language/parse.ts'
import { decide } from '#pipelines/plan/decide.ts'
import type { Decision, EndingFact, Facts } from '#pipelines/plan/facts.ts'
import type { Trx } from '../../server/db/connect.ts'
import { toJson } from '../../server/db/to-json.ts'
import { loadFacts } from '../../server/scheduler/facts.ts'
import { isPlanned, placeOf } from '../../server/scheduler/place.ts'
import { openTriggers } from '../../server/scheduler/triggers.ts'
import { chance } from '../support/chance.ts'
import { freshDatabase } from '../support/database.ts'

/** Three needs in a ring: each two of them share a resource, and no order of looking them up is enough by itself. */
const RING = `resources:
  a: { git: . }
  b: { git: https://example.org/b }
  c: { git: https://example.org/c }
jobs:
  one: { get: [a, b], run: say x }
  two: { get: [b, c], run: say x }
  three: { get: [a, c], run: say x }
  free: { get: c, run: say x }
  top: { needs: { one: {}, two: { on: [finish] }, three: {}, free: { versions: any } }, run: say x }
`
const GETS: Record<string, readonly string[]> = {
  one: ['a', 'b'],
  two: ['b', 'c'],
  three: ['a', 'c'],
  free: ['c'],
}
const ROUNDS = 60
const { below, next } = chance()

async function world(db: Trx): Promise<JobId> {
  const { pipeline } = parsePipeline(RING)
  await sql`insert into repositories (kind, url) values ('hosted', 'x')`.execute(db)
  await sql`insert into projects (name, repository_id) values ('x', 1)`.execute(db)
  await sql`insert into pipelines (project_id, name, path) values (1, 'main', '.takt.yml')`.execute(db)
  await sql`insert into revisions (pipeline_id, sha, source, definition, diagnostics)
    values (1, 'a', '', ${toJson(pipeline)}, '[]')`.execute(db)
  await sql`insert into lanes (pipeline_id, name, revision_id) values (1, 'main', 1)`.execute(db)
  for (const name of ['a', 'b', 'c'])
    await sql`insert into resources (pipeline_id, name, kind, repository_id) values (1, ${name}, 'git', 1)`.execute(
      db,
    )
  for (const name of [...Object.keys(GETS), 'top'])
    await sql`insert into jobs (pipeline_id, name) values (1, ${name})`.execute(db)
  // In an order of its own, so that a newer version need not have the higher id.
  await sql`
    insert into versions (resource_id, lane_id, seq, name, body, disabled_at, disabled_reason)
    select resources.id, 1, seq, resources.name || seq, '{"fields": {}}',
      case when random() < 0.1 then now() end, 'odd'
    from resources, generate_series(1, 6) seq order by random()`.execute(db)
  for (let ended = 0; ended < 40; ended++) await end(db)
  const { rows } = await sql<{ id: JobId }>`select id from jobs where name = 'top'`.execute(db)
  return rows[0]!.id
}

/** Some job ended somehow on some versions. */
async function end(db: Trx): Promise<void> {
  const job = Object.keys(GETS)[below(4)]!
  const how = ['success', 'success', 'success', 'failure', 'other'][below(5)]!
  const { rows } = await sql<{ run: number }>`
    insert into runs (job_id, lane_id, revision_id, number, state, reason, advances, ended_at)
    select id, 1, 1, (select count(*) + 1 from runs),
      case ${how} when 'success' then 'succeeded' when 'failure' then 'failed' else 'errored' end, '', true, now()
    from jobs where name = ${job} returning id as run`.execute(db)
  const { run } = rows[0]!
  await sql`insert into endings (job_id, lane_id, run_id, how) select job_id, 1, id, ${how} from runs where id = ${run}`.execute(
    db,
  )
  for (const [position, resource] of GETS[job]!.entries()) {
    await sql`insert into run_inputs (run_id, position, resource_id, version_id)
      select ${run}, ${position}, resource_id, id from versions
      where name = ${resource + (1 + below(6))}`.execute(db)
  }
  await sql`insert into ending_versions (job_id, lane_id, version_id, ending_id, resource_id)
    select endings.job_id, 1, version_id, endings.id, resource_id
    from endings join run_inputs on run_inputs.run_id = endings.run_id where endings.run_id = ${run}`.execute(
    db,
  )
}

/** The same facts with every ending there is, for a planner that has all the time in the world. */
async function withEverything(db: Trx, facts: Facts): Promise<Facts> {
  const { rows } = await sql<EndingFact & { job: string; id: EndingId }>`
    select jobs.name as job, endings.id, endings.run_id as run, endings.how,
      json_object_agg(resources.name, json_build_object('id', versions.id, 'seq', versions.seq, 'name', versions.name)) as versions
    from endings join jobs on jobs.id = endings.job_id join ending_versions on ending_id = endings.id
    join versions on versions.id = version_id join resources on resources.id = ending_versions.resource_id
    group by endings.id, jobs.name having bool_and(versions.disabled_at is null) order by endings.id desc`.execute(
    db,
  )
  const needs = facts.needs.map((need) => ({
    ...need,
    endings: rows
      .filter(({ job, how }) => job === need.job && (need.on.includes('finish') || how === 'success'))
      .map(({ job: _, ...ending }) => ending),
  }))
  return { ...facts, needs }
}

/** Reasons are told from what was looked up; what is decided must not depend on it. */
const decided = ({ runs, fates }: Decision) => ({
  runs: runs.map(({ inputs, upstreams, triggers, advances }) => ({ inputs, upstreams, triggers, advances })),
  fates: fates.map(({ trigger, fate }) => ({ trigger, fate })),
})

test('what is looked up decides like everything there is: endings, decisions and pins, in a ring of needs', async () => {
  let due = 0
  await using database = await freshDatabase()
  for (let round = 0; round < ROUNDS; round++) {
    const asIfNever = new Error('rolled back')
    const tried = database.db.transaction().execute(async (db) => {
      await sql`truncate repositories restart identity cascade`.execute(db)
      await sql`select setseed(${next()})`.execute(db)
      const top = await world(db)
      if (round % 3 === 0)
        await sql`insert into pins (resource_id, lane_id, version_id, reason)
          select resource_id, 1, id, 'odd' from versions order by random() limit 1`.execute(db)
      for (let told = 0; told <= below(3); told++)
        await sql`insert into triggers (job_id, lane_id, kind, edge, ending_id)
          select ${top}, 1, 'ending', jobs.name, endings.id from endings join jobs on jobs.id = endings.job_id
          where how = 'success' or how = 'failure' and jobs.name = 'two' order by random() limit 1`.execute(
          db,
        )
      if (round % 5 === 0)
        await sql`insert into triggers (job_id, lane_id, kind, edge) values (${top}, 1, 'changed', 'a whim')`.execute(
          db,
        )
      const place = await placeOf(db, top, 1 as LaneId)
      if (!isPlanned(place)) throw new Error('the line has no top')
      const facts = await loadFacts(db, place, await openTriggers(db, place))
      const scoped = decided(decide(facts))
      expect({ round, ...scoped }).toEqual({ round, ...decided(decide(await withEverything(db, facts))) })
      due += scoped.runs.length
      throw asIfNever
    })
    await expect(tried).rejects.toBe(asIfNever)
  }
  expect(due).toBeGreaterThan(ROUNDS / 10)
})
