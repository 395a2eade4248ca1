import type { Generated } from 'kysely'
import type { NoticeFacts } from '#pipelines/language/notice-words.ts'
import type { EventId, NoticeMessageId, PipelineId, RunId } from '#pipelines/ids.ts'
import type { Json, Time } from './columns.ts'

/** The tables of notices, as the migrations make them. */
export type NoticeTables = {
  notice_cursor: { one: Generated<boolean>; event_id: EventId }
  notice_messages: {
    id: Generated<NoticeMessageId>
    pipeline_id: PipelineId
    channel: 'slack' | 'email' | 'webhook'
    destination: string
    login: string | null
    template: string | null
    test: Generated<boolean>
    state: Generated<'waiting' | 'sent' | 'dead'>
    attempts: Generated<number>
    due_at: Time
    error: string | null
    created_at: Time
    ended_at: Time | null
  }
  notices: {
    id: Generated<number>
    message_id: NoticeMessageId
    facts: Json<NoticeFacts>
    at: Time
  }
  /** Runs that wait for nothing but a runner. */
  late_runs: { run_id: RunId; since: Time; told_at: Time | null }
  notice_attempts: {
    message_id: NoticeMessageId
    number: number
    status: number | null
    words: string
    took_ms: number
    at: Time
  }
}
