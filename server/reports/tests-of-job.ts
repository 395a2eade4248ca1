import { sql } from 'kysely'
import type { z } from 'zod'
import type { JobId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import type { JobTests } from './shapes.ts'

/** A job's tests are looked at over so many of its newest tested runs, on all lanes: the answer costs the same however long the history. */
const WINDOW = 20

const ORDER = {
  slowest: { by: sql`avg(duration_us) desc nulls last`, only: sql`avg(duration_us) is not null` },
  flaky: { by: sql`count(*) filter (where flaky) desc`, only: sql`bool_or(flaky)` },
  failing: { by: sql`count(*) filter (where state = 'failed') desc`, only: sql`bool_or(state = 'failed')` },
} as const
export type TestOrder = keyof typeof ORDER

export async function testsOfJob(
  db: Db,
  job: JobId,
  { sort, limit }: { readonly sort: TestOrder; readonly limit: number },
): Promise<z.output<typeof JobTests>> {
  const { by, only } = ORDER[sort]
  const window = sql`select run_id from tested_runs where job_id = ${job} order by run_id desc limit ${WINDOW}`
  const { rows: items } = await sql<z.output<typeof JobTests>['items'][number]>`
    with counted as (
      select test_id, count(*)::int as runs, count(*) filter (where state = 'failed')::int as failures,
        count(*) filter (where flaky)::int as flaky, avg(duration_us)::float8 / 1000 as average_ms,
        (array_agg(state order by run_id desc))[1] as last_state, max(run_id) as last_run,
        row_number() over (order by ${by}, max(run_id) desc, test_id) as place
      from test_results where run_id in (${window}) group by test_id having ${only}
    )
    select suite, name, runs, failures, flaky, average_ms, last_state, last_run
    from counted join tests on tests.id = counted.test_id where place <= ${limit} order by place`.execute(db)
  const { rows } = await sql<{ runs: number }>`select count(*)::int as runs from (${window}) w`.execute(db)
  return { runs: rows[0]?.runs ?? 0, items, next: null }
}
