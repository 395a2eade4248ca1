import type { Generated } from 'kysely'
import type { FiringId, ResourceId, RunId, VersionId } from '#pipelines/ids.ts'
import type { Time } from './columns.ts'

/** The tables of schedules: what became of each time that came, and which are paused. */
export type ScheduleTables = {
  /** Only of those that are paused. */
  schedules: { resource_id: ResourceId; paused_at: Time; paused_by: string; paused_reason: string }
  firings: {
    id: Generated<FiringId>
    resource_id: ResourceId
    due_at: Time
    fired_at: Time
    fate: 'fired' | 'waiting' | 'skipped' | 'missed' | 'paused'
    reason: string | null
    missed: Generated<number>
    conflict: RunId | null
    version_id: VersionId | null
    by_name: string | null
  }
}
