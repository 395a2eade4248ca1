import type { Generated } from 'kysely'
import type { EventId, PipelineId, ProjectId, StatusId } from '#pipelines/ids.ts'
import type { Verdict } from '#pipelines/statuses/verdict.ts'
import type { Time } from './columns.ts'

/** The tables of what forges are told, as the migrations make them. */
export type StatusTables = {
  status_cursor: { one: Generated<boolean>; event_id: EventId }
  status_dues: {
    pipeline_id: PipelineId
    kind: 'push' | 'tag' | 'pull_request'
    sha: string
    since: Time
    due_at: Time
  }
  statuses: {
    id: Generated<StatusId>
    pipeline_id: PipelineId
    sha: string
    kind: 'push' | 'tag' | 'pull_request'
    job: Generated<string>
    forge: ForgeName
    repository: string
    ref: string | null
    name: string
    verdict: Verdict
    words: string
    path: string
    requested: Generated<number>
    sent: Generated<number>
    sent_verdict: Verdict | null
    external_id: string | null
    unsure: Generated<boolean>
    own_token: Generated<boolean>
    attempts: Generated<number>
    attempt_after: Time
    error: string | null
    given_up_at: Time | null
    changed_at: Time
    sent_at: Time | null
  }
  forge_doors: {
    forge: ForgeName
    failures: Generated<number>
    opens_at: Time | null
    reason: string | null
    heard_at: Time | null
    project_id: ProjectId | null
    lease_token: string | null
    lease_until: Time | null
  }
}

export type ForgeName = 'github' | 'gitlab' | 'gitea'
