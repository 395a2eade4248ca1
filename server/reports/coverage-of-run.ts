import { sql } from 'kysely'
import type { z } from 'zod'
import type { RunId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import type { Coverage } from './shapes.ts'
import { reportsOf } from './tests-of-run.ts'

type Page = { readonly after: string; readonly limit: number }

/** How much of the code a run covered, file by file, and what became better or worse since the run before it on the lane. */
export async function coverageOfRun(db: Db, run: RunId, page: Page): Promise<z.output<typeof Coverage>> {
  const before = await coveredBefore(db, run)
  const [sum, sumBefore, reports, files] = await Promise.all([
    sumOf(db, run),
    before === null ? null : sumOf(db, before),
    reportsOf(db, run, 'coverage'),
    filesOf(db, { run, before }, page),
  ])
  const items = files.map(({ found_before, hit_before, ...file }) => {
    const percent = percentOf(file.lines_hit, file.lines_found)
    return { ...file, percent, difference: differenceOf(percent, percentOf(hit_before, found_before)) }
  })
  const last = items.at(-1)
  return {
    summary:
      sum && summaryOf(sum, before === null || sumBefore === null ? null : { run: before, ...sumBefore }),
    reports,
    items,
    next: last && items.length === page.limit ? last.path : null,
  }
}

type Sum = NonNullable<Awaited<ReturnType<typeof sumOf>>>

function summaryOf(sum: Sum, before: (Sum & { readonly run: RunId }) | null) {
  const percent = percentOf(sum.lines_hit, sum.lines_found)
  const previous = before && { run: before.run, percent: percentOf(before.lines_hit, before.lines_found) }
  return { ...sum, percent, difference: differenceOf(percent, previous?.percent ?? null), previous }
}

const percentOf = (hit: number | null, found: number | null): number | null =>
  hit === null || found === null || found === 0 ? null : Math.round((hit / found) * 10_000) / 100

const differenceOf = (now: number | null, before: number | null): number | null =>
  now === null || before === null ? null : Math.round((now - before) * 100) / 100

/** The run before this one, of the same job on the same lane, that has reported coverage. */
async function coveredBefore(db: Db, run: RunId): Promise<RunId | null> {
  const row = await db
    .selectFrom('covered_runs as before')
    .innerJoin('covered_runs as now', (join) =>
      join
        .onRef('now.job_id', '=', 'before.job_id')
        .onRef('now.lane_id', '=', 'before.lane_id')
        .onRef('now.run_id', '>', 'before.run_id'),
    )
    .select('before.run_id')
    .where('now.run_id', '=', run)
    .orderBy('before.run_id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.run_id ?? null
}

async function sumOf(db: Db, run: RunId) {
  const sum = <Column extends string>(column: Column) =>
    sql<number>`coalesce(sum(${sql.ref(column)}), 0)::int`.as(column)
  const row = await db
    .selectFrom('coverage_files')
    .select([sum('lines_found'), sum('lines_hit'), sum('branches_found'), sum('branches_hit')])
    .select((eb) => eb.cast<number>(eb.fn.countAll(), 'integer').as('files'))
    .where('run_id', '=', run)
    .executeTakeFirstOrThrow()
  return row.files === 0 ? null : row
}

const filesOf = (
  db: Db,
  { run, before }: { readonly run: RunId; readonly before: RunId | null },
  { after, limit }: Page,
) =>
  db
    .selectFrom('coverage_files as file')
    .leftJoin('coverage_files as earlier', (join) =>
      join.onRef('earlier.path', '=', 'file.path').on('earlier.run_id', '=', before),
    )
    .select([
      'file.path',
      'file.lines_found',
      'file.lines_hit',
      'file.branches_found',
      'file.branches_hit',
      'earlier.lines_found as found_before',
      'earlier.lines_hit as hit_before',
    ])
    .where('file.run_id', '=', run)
    .where('file.path', '>', after)
    .orderBy('file.path')
    .limit(limit)
    .execute()
