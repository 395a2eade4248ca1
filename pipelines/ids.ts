/** Branded identities: a `RunId` is not a `VersionId`, though both are whole numbers that PostgreSQL handed out. */
type Branded<Name extends string> = number & { readonly __brand: Name }

export type ProjectId = Branded<'project'>
export type RepositoryId = Branded<'repository'>
export type PipelineId = Branded<'pipeline'>
export type RevisionId = Branded<'revision'>
export type LaneId = Branded<'lane'>
export type ResourceId = Branded<'resource'>
export type VersionId = Branded<'version'>
export type JobId = Branded<'job'>
export type RunId = Branded<'run'>
export type RunnerId = Branded<'runner'>
export type DeliveryId = Branded<'delivery'>
export type UserId = Branded<'user'>
export type EventId = Branded<'event'>
export type TriggerId = Branded<'trigger'>
export type EndingId = Branded<'ending'>
export type CheckId = Branded<'check'>
export type ArchiveId = Branded<'archive'>
export type GateId = Branded<'gate'>
export type PullHeadId = Branded<'pull head'>
export type TerminalId = Branded<'terminal'>
export type OrganizationId = Branded<'organization'>
export type TeamId = Branded<'team'>
export type SessionId = Branded<'session'>
export type TokenId = Branded<'token'>
export type InvitationId = Branded<'invitation'>
