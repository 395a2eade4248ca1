import type { Generated } from 'kysely'
import type { ArchiveId, GateId, HandoverId, RunId, RunnerId, UserId } from '#pipelines/ids.ts'
import type { FormField } from '#pipelines/language/step.ts'
import type { GateState } from '#pipelines/states.ts'
import type { Carried } from '#pipelines/wire/plan.ts'
import type { GateKind } from '#pipelines/plan/gates.ts'
import type { Json, Time } from './columns.ts'

/** The tables of gates, as the migrations make them: what runs wait for, who decided what, and what runs leave meanwhile. */
export type GateTables = {
  gates: {
    id: Generated<GateId>
    run_id: RunId
    step: number
    name: string
    kind: GateKind
    state: Generated<GateState>
    words: string
    deciders: string[]
    count: number
    author: boolean
    message: string | null
    form: Json<readonly FormField[]>
    answers: Json<Record<string, string>> | null
    on_expire: 'reject' | 'fail' | 'approve'
    expires_at: Time | null
    opened_at: Time
    closed_at: Time | null
  }
  handovers: {
    id: Generated<HandoverId>
    run_id: RunId
    attempt: number
    position: number
    checkpoint: string | null
    archive_id: ArchiveId | null
    carried: Json<Carried> | null
    outputs: Json<Record<string, string>>
    runner_id: RunnerId | null
    ran_ms: Generated<number>
    last_step: Generated<number>
    expires_at: Time | null
    created_at: Time
  }
  gate_decisions: {
    gate_id: GateId
    user_id: UserId
    by_name: string
    verdict: 'approve' | 'reject'
    comment: string | null
    at: Time
  }
}
