import type { Generated } from 'kysely'
import type {
  InvitationId,
  OrganizationId,
  ProjectId,
  RepositoryId,
  SessionId,
  TeamId,
  TokenId,
  UserId,
} from '#pipelines/ids.ts'
import type { Role } from '#pipelines/access/roles.ts'
import type { Time } from './columns.ts'

/** The tables that say who is who and may do what, as the migrations make them. */
export type AccessTables = {
  users: {
    id: Generated<UserId>
    name: string
    role: 'admin' | 'member'
    created_at: Time
    kind: Generated<'person' | 'service'>
    email: string | null
    organization_id: OrganizationId | null
    disabled_at: Time | null
    email_verified_at: Time | null
  }
  tokens: {
    id: Generated<TokenId>
    user_id: UserId
    name: string
    hash: Buffer
    created_at: Time
    expires_at: Time | null
    last_used_at: Time | null
    role: Role | null
    project_id: ProjectId | null
    prefix: string | null
  }
  sessions: {
    id: Generated<SessionId>
    hash: Buffer
    user_id: UserId
    created_at: Time
    expires_at: Time
    previous_hash: Buffer | null
    rotated_at: Time | null
    seen_at: Time
    rights: string | null
    client: string | null
    address: string | null
    how: Generated<string>
  }
  passwords: { user_id: UserId; phc: string; changed_at: Time }
  login_attempts: { subject: string; wrong: number; since: Time }
  invitations: {
    id: Generated<InvitationId>
    hash: Buffer
    organization_id: OrganizationId
    role: Role | null
    team_id: TeamId | null
    email: string | null
    invited_by: UserId
    created_at: Time
    expires_at: Time
    used_at: Time | null
    used_by: UserId | null
  }
  identities: { provider: string; subject: string; user_id: UserId; name: string; created_at: Time }
  login_ways: {
    hash: Buffer
    provider: string
    verifier: string
    nonce: string
    target: string
    user_id: UserId | null
    invitation_id: InvitationId | null
    expires_at: Time
  }
  login_links: { hash: Buffer; user_id: UserId; created_at: Time; expires_at: Time; used_at: Time | null }
  organizations: { id: Generated<OrganizationId>; name: string; created_at: Time }
  projects: {
    id: Generated<ProjectId>
    name: string
    repository_id: RepositoryId
    created_at: Time
    organization_id: Generated<OrganizationId>
    public: Generated<boolean>
  }
  teams: { id: Generated<TeamId>; organization_id: OrganizationId; name: string; created_at: Time }
  team_members: { team_id: TeamId; user_id: UserId }
  grants: {
    id: Generated<number>
    organization_id: OrganizationId
    project_id: ProjectId | null
    user_id: UserId | null
    team_id: TeamId | null
    role: Role
    created_at: Time
  }
}
