import type { ColumnType, Generated, JSONColumnType } from 'kysely'
import type { Diagnostic } from '#pipelines/language/diagnostic.ts'
import type { Pipeline, Resource, StartMode } from '#pipelines/language/pipeline.ts'
import type {
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
  RunnerId,
  TriggerId,
  UserId,
  VersionId,
} from '#pipelines/ids.ts'
import type { How } from '#pipelines/plan/facts.ts'
import type { RunState, StepState } from '#pipelines/states.ts'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import type { RunError } from '#pipelines/wire/runner.ts'

/** The tables as the migrations make them; a test holds the two against each other. */
type Time = ColumnType<Date, Date | undefined, Date>
type Json<T> = ColumnType<T, string, string>

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
export type FieldsBody = { readonly fields: Readonly<Record<string, string>> }
export type VersionBody = CommitBody | FieldsBody

/** What a run took of the machine; null where that could not be told. */
export type Usage = { readonly peakMemoryBytes: number | null; readonly cpuMs: number | null }

export type Schema = {
  users: { id: Generated<UserId>; name: string; role: 'admin'; created_at: Time }
  tokens: {
    id: Generated<number>
    user_id: UserId
    name: string
    hash: Buffer
    created_at: Time
    expires_at: Time | null
    last_used_at: Time | null
  }
  sessions: { hash: Buffer; user_id: UserId; created_at: Time; expires_at: Time }
  login_links: { hash: Buffer; user_id: UserId; created_at: Time; expires_at: Time; used_at: Time | null }
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
  projects: { id: Generated<ProjectId>; name: string; repository_id: RepositoryId; created_at: Time }
  deliveries: {
    id: Generated<DeliveryId>
    source: DeliverySource
    delivery_id: string
    signature: Buffer | null
    event: string
    repository_id: RepositoryId | null
    body: Buffer
    state: Generated<DeliveryState>
    reason: string | null
    attempts: Generated<number>
    attempt_after: Time
    received_at: Time
    processed_at: Time | null
  }
  pipelines: {
    id: Generated<PipelineId>
    project_id: ProjectId
    name: string
    path: string
    created_at: Time
  }
  revisions: {
    id: Generated<RevisionId>
    pipeline_id: PipelineId
    sha: string
    source: string
    definition: Json<Pipeline> | null
    diagnostics: JSONColumnType<Diagnostic[]>
    created_at: Time
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
  }
  jobs: {
    id: Generated<JobId>
    pipeline_id: PipelineId
    name: string
    paused_at: Time | null
    paused_by: UserId | null
    paused_reason: string | null
  }
  resources: {
    id: Generated<ResourceId>
    pipeline_id: PipelineId
    name: string
    kind: ResourceKind
    repository_id: RepositoryId | null
    branch: string | null
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
  runners: {
    id: Generated<RunnerId>
    name: string
    engine: string
    isolated: boolean
    words: string
    version: string
    slots: number
    labels: Json<Record<string, string>>
    connection: string | null
    present_until: Time
    seen_at: Time
    created_at: Time
  }
  runs: {
    id: Generated<RunId>
    job_id: JobId
    lane_id: LaneId
    revision_id: RevisionId
    number: number
    state: Generated<RunState>
    attempt: Generated<number>
    reason: string
    advances: boolean
    retry_of: RunId | null
    created_by: UserId | null
    runner_id: RunnerId | null
    lease_token: string | null
    lease_until: Time | null
    heard_seq: Generated<number>
    cancel_at: Time | null
    cancel_reason: string | null
    error: Json<RunError> | null
    created_at: Time
    started_at: Time | null
    ended_at: Time | null
    start: Generated<StartMode>
    priority: Generated<number>
    due_at: Time
    held: string | null
    hold_key: string | null
    group_key: string | null
    group_limit: number | null
    environment: string | null
    matrix: Json<Record<string, string>> | null
    batch_id: RunId | null
    given: Json<Record<string, string>> | null
    allow_failure: Generated<boolean>
    exit_code: number | null
    values_out: Json<Record<string, string>> | null
    usage: Json<Usage> | null
  }
  run_inputs: { run_id: RunId; position: number; resource_id: ResourceId; version_id: VersionId }
  run_input_via: { run_id: RunId; position: number; upstream_id: RunId }
  run_outputs: { run_id: RunId; resource_id: ResourceId; version_id: VersionId }
  run_needs: { run_id: RunId; job_id: JobId; upstream_id: RunId }
  run_facts: { run_id: RunId; facts: Json<object>; dialect: Generated<number> }
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
  steps: {
    run_id: RunId
    attempt: number
    step: number
    name: string
    state: StepState
    exit_code: number | null
    lines: Generated<number>
    bytes: Generated<number>
    open_line: Generated<boolean>
    kind: Generated<'prepare' | 'run' | 'get' | 'put' | 'group' | 'service' | 'finish'>
    parent: number | null
    hook: 'on_success' | 'on_failure' | 'on_error' | 'on_cancel' | 'always' | null
    tries: Generated<number>
    allowed: Generated<boolean>
    reason: string | null
    started_at: Time | null
    ended_at: Time | null
  }
  commands: {
    run_id: RunId
    attempt: number
    step: number
    command: number
    words: string
    state: StepState
    exit_code: number | null
    first_line: number | null
    started_at: Time | null
    ended_at: Time | null
  }
  log_chunks: {
    run_id: RunId
    attempt: number
    step: number
    first_byte: number
    first_line: number
    bytes: Buffer
    at: Time
  }
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
export type DeliverySource = 'github' | 'git' | 'hosted'
export type DeliveryState = 'received' | 'processed' | 'ignored' | 'failed'
