import type { Generated, JSONColumnType } from 'kysely'
import type { Diagnostic } from '#pipelines/language/diagnostic.ts'
import type { Pipeline, Resource } from '#pipelines/language/pipeline.ts'
import type {
  CheckId,
  DeliveryId,
  EndingId,
  EventId,
  JobId,
  LaneId,
  PipelineId,
  ProjectId,
  RepositoryId,
  ResourceId,
  RevisionId,
  RunId,
  TriggerId,
  UserId,
  VersionId,
} from '#pipelines/ids.ts'
import type { How } from '#pipelines/plan/facts.ts'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import type { RunError } from '#pipelines/wire/runner.ts'
import type { ActTables } from './act-tables.ts'
import type { AccessTables } from './access-tables.ts'
import type { AttestationTables } from './attestation-tables.ts'
import type { AuditTables } from './audit-tables.ts'
import type { PolicyTables } from './policy-tables.ts'
import type { Json, Time } from './columns.ts'
import type { FileTables } from './file-tables.ts'
import type { GateTables } from './gate-tables.ts'
import type { HookTables } from './hook-tables.ts'
import type { OperateTables } from './operate-tables.ts'
import type { PullTables } from './pull-tables.ts'
import type { NoticeTables } from './notice-tables.ts'
import type { ReportTables } from './report-tables.ts'
import type { RunTables } from './run-tables.ts'
import type { ScheduleTables } from './schedule-tables.ts'
import type { SecretTables } from './secret-tables.ts'
import type { SourceTables } from './source-tables.ts'
import type { StateTables } from './state-tables.ts'
import type { StatusTables } from './status-tables.ts'
import type { TallyTables } from './tally-tables.ts'
import type { TerminalTables } from './terminal-tables.ts'
import type { UpstreamTables } from './upstream-tables.ts'
import type { ValueTables } from './value-tables.ts'

/** What is known of a commit besides its hash. `before` is what its ref pointed to until then; null where nobody said. */
export type CommitBody = {
  readonly ref: string
  readonly message: string
  readonly author: string
  readonly before: string | null
  /** Of a pull request's commit: what the forge says of the request. */
  readonly pull?: {
    readonly number: number
    readonly title: string
    readonly author: string
    /** The branch it is to be merged into, and the one it comes from. */
    readonly base: string
    readonly head: string
  }
}
/** What is known of a version of any other kind: what it tells to those who ask for `$(name.field)`. */
export type FieldsBody = {
  readonly fields: Readonly<Record<string, string>>
  /** Of what holds files: the folder of the store; null where nothing was stored yet. */
  readonly folder?: string | null
  /** Of parameters: what the file said when it was made, which tells what people have changed since. */
  readonly file?: Readonly<Record<string, string>>
  /** What an image tells of its version, for people. */
  readonly metadata?: readonly { readonly name: string; readonly value: string }[]
}
export type VersionBody = CommitBody | FieldsBody

/** The tables that have a file of their own. */
type Elsewhere = AccessTables &
  AttestationTables &
  AuditTables &
  PolicyTables &
  TerminalTables &
  RunTables &
  FileTables &
  GateTables &
  HookTables &
  OperateTables &
  PullTables &
  NoticeTables &
  StatusTables &
  ActTables &
  ReportTables &
  ScheduleTables &
  SecretTables &
  SourceTables &
  StateTables &
  TallyTables &
  UpstreamTables &
  ValueTables

/** The tables as the migrations make them; a test holds the two against each other. */
export type Schema = Elsewhere & {
  repositories: {
    id: Generated<RepositoryId>
    kind: 'hosted' | 'git' | 'github'
    url: string
    forge_id: string | null
    default_branch: Generated<string>
    created_at: Time
  }
  refs: { repository_id: RepositoryId; name: string; sha: string; updated_at: Time }
  applied_pushes: { repository_id: RepositoryId; name: string; sha: string | null; delivery_id: DeliveryId }
  pipelines: {
    id: Generated<PipelineId>
    project_id: ProjectId
    name: string
    path: string
    created_at: Time
    paused_at: Time | null
    paused_by: UserId | null
    paused_reason: string | null
    removed_at: Time | null
    removed_sha: string | null
    condemned_at: Time | null
  }
  revisions: {
    id: Generated<RevisionId>
    pipeline_id: PipelineId
    sha: string
    source: string
    definition: Json<Pipeline> | null
    diagnostics: JSONColumnType<Diagnostic[]>
    created_at: Time
    guarded_by: RevisionId | null
  }
  lanes: {
    id: Generated<LaneId>
    pipeline_id: PipelineId
    name: string
    kind: Generated<'push' | 'tag' | 'pull_request'>
    revision_id: RevisionId | null
    newest_revision_id: RevisionId | null
    created_at: Time
    touched_at: Time
    closed_at: Time | null
    files_dropped_for: Time | null
  }
  jobs: {
    id: Generated<JobId>
    pipeline_id: PipelineId
    name: string
    paused_at: Time | null
    paused_by: UserId | null
    paused_reason: string | null
    removed_at: Time | null
    removed_sha: string | null
    condemned_at: Time | null
  }
  resources: {
    id: Generated<ResourceId>
    pipeline_id: PipelineId
    name: string
    kind: ResourceKind
    was_state: Generated<boolean>
    repository_id: RepositoryId | null
    branch: string | null
    check_id: CheckId | null
    check_ms: number | null
    paused_at: Time | null
    paused_by: UserId | null
    paused_reason: string | null
    removed_at: Time | null
    removed_sha: string | null
    condemned_at: Time | null
  }
  checks: {
    id: Generated<CheckId>
    key: string
    kind: 'custom' | 'registry' | 'git' | 'time'
    question: Json<object>
    every_ms: number
    due_at: Time
    lease_token: string | null
    lease_until: Time | null
    failures: Generated<number>
    error: Json<RunError> | null
    seen: Json<unknown> | null
    checked_at: Time | null
  }
  versions: {
    id: Generated<VersionId>
    resource_id: ResourceId
    lane_id: LaneId
    seq: number
    name: string
    body: Json<VersionBody>
    delivery_id: DeliveryId | null
    created_at: Time
    disabled_at: Time | null
    disabled_by: UserId | null
    disabled_reason: string | null
    left_at: Time | null
    forced: Generated<boolean>
    changed: string[] | null
  }
  version_origins: { version_id: VersionId; origin_id: VersionId }
  pins: {
    resource_id: ResourceId
    lane_id: LaneId
    version_id: VersionId
    pinned_by: UserId | null
    reason: string
    pinned_at: Time
  }
  endings: { id: Generated<EndingId>; job_id: JobId; lane_id: LaneId; run_id: RunId; how: How }
  ending_versions: {
    job_id: JobId
    lane_id: LaneId
    version_id: VersionId
    ending_id: EndingId
    resource_id: ResourceId
  }
  triggers: {
    id: Generated<TriggerId>
    job_id: JobId
    lane_id: LaneId
    kind: 'version' | 'ending' | 'changed'
    edge: string
    version_id: VersionId | null
    ending_id: EndingId | null
    fate: Generated<TriggerFate>
    reason: string | null
    lacks: Generated<boolean>
    run_id: RunId | null
    at: Time
    settled_at: Time | null
  }
  dirty_jobs: { job_id: JobId; lane_id: LaneId; requested: Generated<number>; served: Generated<number> }
  events: {
    id: Generated<EventId>
    project: string | null
    run_id: RunId | null
    body: Json<TaktEvent>
    at: Time
  }
}

export type ResourceKind = Resource['kind']
export type TriggerFate = 'new' | 'gathered' | 'run' | 'no-run'
