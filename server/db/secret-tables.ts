import type { Generated } from 'kysely'
import type { OrganizationId, ProjectId, UserId } from '#pipelines/ids.ts'
import type { Json, Time } from './columns.ts'

/** The tables of what nobody may read, as the migrations make them. */
export type SecretTables = {
  secrets: {
    id: Generated<number>
    project_id: ProjectId | null
    organization_id: OrganizationId | null
    name: string
    environment: string | null
    job: string | null
    trigger: 'push' | 'tag' | 'schedule' | 'manual' | 'upstream' | null
    branch: string | null
    store: 'vault' | 'aws' | 'gcp' | null
    reference: string | null
    sealed: Buffer | null
    created_at: Time
    updated_at: Time
    updated_by: UserId
  }
  sealing_key: { one: Generated<boolean>; mark: Buffer; since: Time }
  signing_keys: {
    id: Generated<number>
    kid: string
    public_key: Json<Record<string, string>>
    sealed: Buffer
    created_at: Time
  }
}
