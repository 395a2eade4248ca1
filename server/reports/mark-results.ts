import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import { marksOf, type Outcome } from '#pipelines/reports/history.ts'
import { defaultLane } from '../catalog/queries.ts'
import type { Trx } from '../db/connect.ts'
import type { LockedRun } from '../runs/lock-run.ts'
import { RANK } from './store-tests.ts'

/** So many runs back a result is compared with; the cost of a report does not grow with a job's history. */
const WINDOW = 20
/** A job with more tests that were red of late has other worries. */
const MOST_SUSPECTS = 5_000

/** What a report told of: a hash of its run's versions, and the tests. */
type Told = { readonly inputs: string; readonly tests: readonly number[] }

/**
 * Say of these tests of a run which are newly red and which waver, compared with the runs before it and with those of the same
 * versions. What other reports of the run told is marked already, and a report of many costs the same as the first.
 */
export async function markResults(db: Trx, run: LockedRun, { inputs, tests }: Told): Promise<void> {
  const before = await runsBefore(db, run)
  const twins = await runsOfInputs(db, run, inputs)
  const outcomes = await outcomesOf(db, tests, [run.id, ...before, ...twins])
  const marked = [...outcomes].flatMap(([test, results]) => {
    const now = results.find((result) => result.run === run.id)
    if (!now) return []
    const of = (ids: readonly RunId[]) =>
      results.filter((result) => (ids as readonly number[]).includes(result.run))
    const marks = marksOf(now, { before: of(before), twins: of(twins), first: before.length === 0 })
    return [{ test, state: now.state, ...marks }]
  })
  await db
    .updateTable('test_results')
    .set({ new_failure: false, flaky: sql<boolean>`wavered`, rank: rankOf })
    .where('run_id', '=', run.id)
    .where('test_id', '=', sql<number>`any(${tests}::bigint[])`)
    .where(sql<boolean>`(new_failure or flaky <> wavered or rank <> ${rankOf})`)
    .execute()
  await write(db, run, marked)
}

const rankOf = sql<number>`case when state = 'failed' then ${sql.lit(RANK.failed)} when state = 'skipped' then ${sql.lit(RANK.skipped)}
  when wavered then ${sql.lit(RANK.flaky)} else ${sql.lit(RANK.passed)} end`

type Marked = { readonly test: number; readonly newFailure: boolean; readonly flaky: boolean }

async function write(db: Trx, run: LockedRun, marked: readonly Marked[]): Promise<void> {
  const told = marked.filter(({ newFailure, flaky }) => newFailure || flaky)
  if (told.length === 0) return
  const column = <K extends keyof Marked>(key: K) => told.map((mark) => mark[key])
  await sql`
    update test_results set new_failure = marks.new_failure, flaky = test_results.flaky or marks.flaky,
      rank = case when marks.new_failure then ${sql.lit(RANK.newFailure)} when state = 'passed' then ${sql.lit(RANK.flaky)} else rank end
    from unnest(${column('test')}::bigint[], ${column('newFailure')}::boolean[], ${column('flaky')}::boolean[])
      as marks (test_id, new_failure, flaky)
    where run_id = ${run.id} and test_results.test_id = marks.test_id`.execute(db)
}

/** The tested runs before this one on its lane, oldest first; on a lane's first those of the default branch. */
async function runsBefore(db: Trx, run: LockedRun): Promise<RunId[]> {
  const newest = (lane: ReturnType<typeof sql>) =>
    sql<{ run_id: RunId }>`
      select run_id from tested_runs where job_id = ${run.job_id} and lane_id = ${lane} and run_id < ${run.id}
      order by run_id desc limit ${WINDOW}`.execute(db)
  const own = await newest(sql`${run.lane_id}`)
  const { rows } =
    own.rows.length > 0
      ? own
      : await newest(sql`(
    select lanes.id from lanes
    join pipelines on pipelines.id = lanes.pipeline_id
    join projects on projects.id = pipelines.project_id
    join repositories on repositories.id = projects.repository_id
    where lanes.pipeline_id = ${run.pipeline_id} and lanes.name = ${defaultLane} limit 1)`)
  return rows.map(({ run_id }) => run_id).toReversed()
}

async function runsOfInputs(db: Trx, run: LockedRun, inputs: string): Promise<RunId[]> {
  const rows = await db
    .selectFrom('tested_runs')
    .select('run_id')
    .where('job_id', '=', run.job_id)
    .where('inputs', '=', inputs)
    .where('run_id', '<>', run.id)
    .orderBy('run_id', 'desc')
    .limit(WINDOW)
    .execute()
  return rows.map(({ run_id }) => run_id)
}

/** How those of the tests came out that were red in any of these runs; by test, in the order of the runs. */
async function outcomesOf(
  db: Trx,
  tests: readonly number[],
  runs: readonly RunId[],
): Promise<Map<number, Outcome[]>> {
  const { rows } = await sql<Outcome & { test: number }>`
    with suspects as (
      select distinct test_id from test_results
      where run_id = any(${runs}::bigint[]) and test_id = any(${tests}::bigint[]) and rank <= ${sql.lit(RANK.failed)}
      limit ${MOST_SUSPECTS}
    )
    select test_id as test, run_id as run, state, inputs
    from suspects join test_results using (test_id) join tested_runs using (run_id)
    where run_id = any(${runs}::bigint[]) order by run_id`.execute(db)
  const byTest = new Map<number, Outcome[]>()
  for (const { test, ...outcome } of rows) byTest.set(test, [...(byTest.get(test) ?? []), outcome])
  return byTest
}
