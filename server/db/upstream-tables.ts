import type { Generated } from 'kysely'
import type { EndingId, ResourceId, RunId, VersionId } from '#pipelines/ids.ts'
import type { Time } from './columns.ts'

/** The tables of jobs that other pipelines follow, as the migrations make them. */
export type UpstreamTables = {
  followed_jobs: {
    resource_id: ResourceId
    project: string
    pipeline: string
    job: string
    lanes: string[]
    looks_left: Generated<number>
    look_at: Time
  }
  ends_to_tell: { ending_id: EndingId }
  heard_ends: {
    resource_id: ResourceId
    run_id: RunId
    ended_id: RunId
    version_id: VersionId | null
    reason: string | null
    at: Time
  }
}
