import type { Generated, JSONColumnType } from 'kysely'
import type { OrganizationId, UserId } from '#pipelines/ids.ts'
import type { Time } from './columns.ts'

/** The tables that say who did what, as the migrations make them. */
export type AuditTables = {
  audit_entries: {
    id: number
    at: Time
    actor_id: UserId | null
    actor: string
    actor_kind: 'person' | 'service' | 'system' | 'nobody'
    via: 'session' | 'token' | 'cli' | 'git' | 'terminal' | 'command' | 'system' | 'none'
    token: string | null
    address: string | null
    action: string
    organization_id: OrganizationId | null
    project: string | null
    target: string
    outcome: 'done' | 'refused' | 'denied' | 'failed'
    reason: string | null
    before: JSONColumnType<object> | null
    after: JSONColumnType<object> | null
    count: number
    previous: Buffer
    hash: Buffer
  }
  audit_head: { single: Generated<boolean>; id: number; at: Time; previous: Buffer; hash: Buffer }
}
