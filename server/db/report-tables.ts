import type { Generated } from 'kysely'
import type { JobId, LaneId, RunId } from '#pipelines/ids.ts'

/** The tables of what runs report of their tests and coverage, as the migrations make them. */
export type ReportTables = {
  reports: {
    run_id: RunId
    kind: 'junit' | 'coverage'
    path: string
    attempt: number
    refusal: string | null
  }
  tests: { id: Generated<number>; job_id: JobId; hash: Buffer; suite: string; name: string }
  tested_runs: { run_id: RunId; job_id: JobId; lane_id: LaneId; inputs: string }
  test_results: {
    run_id: RunId
    test_id: number
    state: 'passed' | 'failed' | 'skipped'
    duration_us: number | null
    message: string
    details: string
    wavered: boolean
    new_failure: Generated<boolean>
    flaky: Generated<boolean>
    rank: Generated<number>
  }
  covered_runs: { run_id: RunId; job_id: JobId; lane_id: LaneId }
  coverage_files: {
    run_id: RunId
    path: string
    lines_found: number
    lines_hit: number
    branches_found: number
    branches_hit: number
  }
}
