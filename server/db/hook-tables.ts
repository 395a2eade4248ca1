import type { Generated } from 'kysely'
import type { DeliveryId, ProjectId, RepositoryId } from '#pipelines/ids.ts'
import type { Json, Time } from './columns.ts'

export type DeliverySource = 'github' | 'gitlab' | 'gitea' | 'git' | 'hosted' | 'events' | 'registry'
export type DeliveryState = 'received' | 'processed' | 'ignored' | 'refused' | 'failed'

/** The tables of what others tell us, and of what we look up where they may not have, as the migrations make them. */
export type HookTables = {
  deliveries: {
    id: Generated<DeliveryId>
    source: DeliverySource
    delivery_id: string
    signature: Buffer | null
    event: string
    repository_id: RepositoryId | null
    project_id: ProjectId | null
    headers: Json<Record<string, string>> | null
    body: Buffer | null
    removed_at: Time | null
    about: string | null
    state: Generated<DeliveryState>
    reason: string | null
    attempts: Generated<number>
    attempt_after: Time
    replays: Generated<number>
    received_at: Time
    processed_at: Time | null
  }
  comparisons: {
    repository_id: RepositoryId
    due_at: Time
    lease_until: Time | null
    compared_at: Time | null
    listed_at: Time | null
    told: Generated<number>
    failures: Generated<number>
    error: string | null
  }
  told_pulls: { repository_id: RepositoryId; number: number; sha: string | null; facts: string | null }
}
