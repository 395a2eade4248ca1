import type { Generated } from 'kysely'
import type { ArchiveId, JobId, LaneId, ResourceId, RunId } from '#pipelines/ids.ts'
import type { Time } from './columns.ts'

/** The tables of files, as the migrations make them: what lies in the store, and for whom. */
export type FileTables = {
  archives: {
    id: Generated<ArchiveId>
    key: string
    packed_bytes: number | null
    bytes: number | null
    files: number | null
    digest: string | null
    created_at: Time
  }
  kept: { run_id: RunId; archive_id: ArchiveId | null; expires_at: Time }
  states: { run_id: RunId; job_id: JobId; lane_id: LaneId; archive_id: ArchiveId }
  caches: {
    lane_id: LaneId
    name: string
    key: string
    archive_id: ArchiveId
    created_at: Time
    used_at: Time
  }
  folders: {
    resource_id: ResourceId
    version: string
    archive_id: ArchiveId | null
    created_at: Time
    expires_at: Time | null
  }
}
