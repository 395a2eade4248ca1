import type { Generated } from 'kysely'
import type { ArchiveId, JobId, LaneId, RunId, VersionId } from '#pipelines/ids.ts'
import type { Json, Time } from './columns.ts'

/** The tables of what lines remember, as the migrations make them. */
export type StateTables = {
  job_states: {
    id: Generated<number>
    lane_id: LaneId
    job_id: JobId
    matrix: Json<Readonly<Record<string, string>>> | null
    version: number
    archive_id: ArchiveId
    run_id: RunId | null
    made_at: Time
    made_by: string | null
    reason: string | null
    restored: number | null
  }
  version_edits: { version_id: VersionId; made_by: string; reason: string | null; restored: string | null }
}
