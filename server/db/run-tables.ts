import type { Generated } from 'kysely'
import type {
  HandoverId,
  JobId,
  LaneId,
  ProjectId,
  ResourceId,
  RevisionId,
  RunId,
  RunnerId,
  UserId,
  VersionId,
} from '#pipelines/ids.ts'
import type { StartMode } from '#pipelines/language/pipeline.ts'
import type { RunnerEventKind, RunnerMode, RunState, StepState } from '#pipelines/states.ts'
import type { Ending, PlanStep } from '#pipelines/wire/plan.ts'
import type { RunError } from '#pipelines/wire/runner.ts'
import type { Json, Time } from './columns.ts'

/** What a run took of the machine; null where that could not be told. */
export type Usage = { readonly peakMemoryBytes: number | null; readonly cpuMs: number | null }

/** The runner's own steps, and what the job's do. */
export type StepKind = 'prepare' | 'hand_over' | 'finish' | 'service' | PlanStep['kind']

/** What the waits of a run heard, by the resource, or `callback`, and then by path. */
export type Told = Readonly<Record<string, Readonly<Record<string, string>>>>

/** The tables of runs and of those who carry them out, as the migrations make them. */
export type RunTables = {
  runners: {
    id: Generated<RunnerId>
    name: string
    engine: string
    isolated: boolean
    words: string
    version: string
    slots: number
    checks: Generated<number>
    labels: Json<Record<string, string>>
    connection: string | null
    present_until: Time
    seen_at: Time
    created_at: Time
    offers: Generated<string[]>
    slots_least: Generated<number>
    slots_most: Generated<number>
    mode: Generated<RunnerMode>
    mode_reason: string | null
    mode_by: UserId | null
    mode_at: Time | null
    trouble: string | null
    trouble_at: Time | null
    resets: Generated<number>
    privileged_images: Generated<string[]>
  }
  runner_events: {
    id: Generated<number>
    runner_id: RunnerId
    kind: RunnerEventKind
    words: string
    slots: number | null
    by_id: UserId | null
    life: string | null
    seq: number | null
    at: Time
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
    hold_ms: Generated<number>
    project_id: Generated<ProjectId>
    runs_on: Generated<string[]>
    attempts_most: Generated<number>
    again: string | null
    not_before: Time | null
    gate_step: number | null
    answers: Json<Record<string, string>> | null
    position: Generated<number>
    handover_id: HandoverId | null
    ending: Json<Ending> | null
    taken_at: Time | null
    told: Json<Told> | null
  }
  attempts: {
    run_id: RunId
    attempt: number
    state: 'failed' | 'errored'
    reason: string
    exit_code: number | null
    runner_id: RunnerId | null
    started_at: Time | null
    ended_at: Time
  }
  run_inputs: { run_id: RunId; position: number; resource_id: ResourceId; version_id: VersionId }
  run_input_via: { run_id: RunId; position: number; upstream_id: RunId }
  run_outputs: { run_id: RunId; resource_id: ResourceId; version_id: VersionId }
  run_needs: { run_id: RunId; job_id: JobId; upstream_id: RunId }
  run_facts: { run_id: RunId; facts: Json<object>; dialect: Generated<number> }
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
    kind: Generated<StepKind>
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
    raw_bytes: number | null
    raw_lines: number | null
    at: Time
  }
}
