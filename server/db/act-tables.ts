import type { Generated } from 'kysely'
import type { CallbackId, GateId, ProjectId, RunId, ServiceId, UserId, VersionId } from '#pipelines/ids.ts'
import type { GateAct } from '#pipelines/plan/acts.ts'
import type { Json, Time } from './columns.ts'

/** The tables of what the server does and hears at gates, as the migrations make them. */
export type ActTables = {
  acts: {
    gate_id: GateId
    spec: Json<GateAct>
    key: string
    after: number
    due_at: Time | null
    taken_until: Time | null
    version_id: VersionId | null
  }
  call_attempts: {
    gate_id: GateId
    attempt: number
    state: Generated<'running' | 'good' | 'failed' | 'errored' | 'lost'>
    status: number | null
    words: string | null
    answer: string | null
    started_at: Time
    ended_at: Time | null
  }
  triggered: { run_id: RunId; gate_id: GateId }
  callbacks: {
    id: Generated<CallbackId>
    run_id: RunId
    name: string
    used_at: Time | null
    address: string | null
    fields: Json<Record<string, string>> | null
  }
  services: {
    id: Generated<ServiceId>
    project_id: ProjectId
    name: string
    url: string
    headers: Json<Record<string, string>>
    updated_at: Time
    updated_by: UserId | null
  }
}
