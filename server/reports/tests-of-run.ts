import { sql } from 'kysely'
import type { z } from 'zod'
import type { RunId } from '#pipelines/ids.ts'
import type { TestState } from '#pipelines/reports/junit.ts'
import type { Db } from '../db/connect.ts'
import type { TestResults } from './shapes.ts'

type Page = {
  readonly state: TestState | undefined
  readonly sort: 'attention' | 'slowest'
  readonly after: { readonly rank: number; readonly test: number } | null
  readonly limit: number
}

export async function testsOfRun(db: Db, run: RunId, page: Page): Promise<z.output<typeof TestResults>> {
  const [summary, reports, rows] = await Promise.all([
    summaryOf(db, run),
    reportsOf(db, run, 'junit'),
    resultsOf(db, run, page),
  ])
  const last = rows.at(-1)
  const more = page.sort === 'attention' && last !== undefined && rows.length === page.limit
  return {
    summary,
    reports,
    items: rows.map(({ rank: _, test_id: __, duration_us, ...result }) => ({
      ...result,
      duration_ms: duration_us === null ? null : duration_us / 1_000,
    })),
    next: more ? `${last.rank}-${last.test_id}` : null,
  }
}

/** What came of the reports of a kind. */
export const reportsOf = (db: Db, run: RunId, kind: 'junit' | 'coverage') =>
  db
    .selectFrom('reports')
    .select(['kind', 'path', 'refusal'])
    .where('run_id', '=', run)
    .where('kind', '=', kind)
    .orderBy('path')
    .execute()

async function summaryOf(db: Db, run: RunId) {
  const { rows } = await sql<z.output<typeof TestResults>['summary']>`
    select count(*)::int as total, count(*) filter (where state = 'passed')::int as passed,
      count(*) filter (where state = 'failed')::int as failed, count(*) filter (where state = 'skipped')::int as skipped,
      count(*) filter (where new_failure)::int as new_failures, count(*) filter (where flaky)::int as flaky,
      coalesce(sum(duration_us), 0)::float8 / 1000 as duration_ms
    from test_results where run_id = ${run}`.execute(db)
  const [summary] = rows
  if (!summary) throw new Error('an aggregate has one row')
  return summary
}

function resultsOf(db: Db, run: RunId, { state, sort, after, limit }: Page) {
  const found = db
    .selectFrom('test_results')
    .innerJoin('tests', 'tests.id', 'test_results.test_id')
    .select([
      'tests.suite',
      'tests.name',
      'test_results.state',
      'test_results.duration_us',
      'test_results.message',
      'test_results.details',
      'test_results.new_failure',
      'test_results.flaky',
      'test_results.rank',
      'test_results.test_id',
    ])
    .where('test_results.run_id', '=', run)
    .$if(state !== undefined, (query) => query.where('test_results.state', '=', state ?? 'failed'))
    .limit(limit)
  if (sort === 'slowest')
    return found
      .orderBy('test_results.duration_us', (order) => order.desc().nullsLast())
      .orderBy('test_results.test_id')
      .execute()
  return found
    .$if(after !== null, (query) =>
      query.where(sql<boolean>`(test_results.rank, test_results.test_id) > (${after?.rank}, ${after?.test})`),
    )
    .orderBy('test_results.rank')
    .orderBy('test_results.test_id')
    .execute()
}
