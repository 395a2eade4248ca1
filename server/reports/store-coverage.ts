import { sql } from 'kysely'
import type { FileCoverage } from '#pipelines/reports/coverage.ts'
import type { Trx } from '../db/connect.ts'
import type { LockedRun } from '../runs/lock-run.ts'

const BATCH = 1_000

/** Write down how much of each file was covered. A file that several reports tell of counts as the best of them says. */
export async function storeCoverage(db: Trx, run: LockedRun, files: readonly FileCoverage[]): Promise<void> {
  for (let at = 0; at < files.length; at += BATCH) {
    const rows = files.slice(at, at + BATCH).map(({ path, lines, branches }) => ({
      run_id: run.id,
      path,
      lines_found: lines.found,
      lines_hit: lines.hit,
      branches_found: branches.found,
      branches_hit: branches.hit,
    }))
    await db
      .insertInto('coverage_files')
      .values(rows)
      .onConflict((oc) =>
        oc.columns(['run_id', 'path']).doUpdateSet({
          lines_found: greater('lines_found'),
          lines_hit: greater('lines_hit'),
          branches_found: greater('branches_found'),
          branches_hit: greater('branches_hit'),
        }),
      )
      .execute()
  }
}

const greater = (column: 'lines_found' | 'lines_hit' | 'branches_found' | 'branches_hit') =>
  sql<number>`greatest(${sql.ref(`excluded.${column}`)}, ${sql.ref(`coverage_files.${column}`)})`
