import type { OrganizationId, RunId, UserId } from '#pipelines/ids.ts'
import type { PolicyRules } from '#pipelines/policy/rules.ts'
import type { Generated } from 'kysely'
import type { Json, Time } from './columns.ts'

/** What organizations allow, as the migrations make it. */
export type PolicyTables = {
  policies: {
    organization_id: OrganizationId
    source: string
    rules: Json<PolicyRules>
    version: Generated<number>
    updated_at: Time
    updated_by: UserId | null
  }
  run_warnings: { id: Generated<number>; run_id: RunId; rule: string; words: string; at: Time }
}
