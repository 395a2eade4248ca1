import type { Generated } from 'kysely'
import type { ProjectId, SourceEventId, SourceId } from '#pipelines/ids.ts'
import type { Json, Time } from './columns.ts'

/** Where a source is, and how its events are read. */
export type SourceSettings = {
  /** `host:port`, of Kafka several. */
  readonly addresses: readonly string[]
  readonly tls: boolean
  /** The stream or topic. */
  readonly stream: string
  /** The consumer group that this server is. */
  readonly group: string
  /** Where a group that is new begins. */
  readonly from: 'new' | 'beginning'
  /** Of Redis: the field that holds the event as JSON; null where all fields together are the event. */
  readonly field: string | null
}

/** The tables of event sources: what is read, and what came of it. */
export type SourceTables = {
  sources: {
    id: Generated<SourceId>
    project_id: ProjectId
    name: string
    kind: 'redis' | 'kafka'
    settings: Json<SourceSettings>
    login: string | null
    lease_token: string | null
    lease_until: Time
    failures: Generated<number>
    error: string | null
    read_since: Time | null
    created_at: Time
  }
  source_events: {
    id: Generated<SourceEventId>
    source_id: SourceId
    event: string
    payload: string
    state: Generated<'received' | 'taken' | 'ignored' | 'dead'>
    reason: string | null
    attempts: Generated<number>
    attempt_after: Time
    received_at: Time
    settled_at: Time | null
  }
}
