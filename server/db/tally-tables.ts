import type { Generated } from 'kysely'
import type { EventId, JobId, ProjectId } from '#pipelines/ids.ts'
import type { Grain, Measure } from '#pipelines/tallies/measures.ts'
import type { Time } from './columns.ts'

/** What is counted as runs end, as the migrations make the tables. */
export type TallyTables = {
  tally_cursor: { one: Generated<boolean>; event_id: Generated<EventId> }
  tallies: {
    project_id: ProjectId
    grain: Grain
    at: Time
    what: Measure
    bucket: number
    n: number
    ms: number
  }
  job_tallies: {
    project_id: ProjectId
    grain: Grain
    at: Time
    job_id: JobId
    runs: number
    green: number
    ms: number
    longest_ms: number
  }
  flaky_tallies: { project_id: ProjectId; grain: Grain; at: Time; test_id: number; n: number }
}
