import type { Generated } from 'kysely'
import type { RunId, RunnerId, TerminalId, UserId } from '#pipelines/ids.ts'
import type { Time } from './columns.ts'

/** The tables of terminals and of containers kept for them, as the migrations make them. */
export type TerminalTables = {
  terminals: {
    id: Generated<TerminalId>
    run_id: RunId
    user_id: UserId
    runner_id: RunnerId
    connection: string
    command: string[]
    opened_at: Time
    closed_at: Time | null
    exit_code: number | null
    reason: string | null
  }
  run_holds: { run_id: RunId; runner_id: RunnerId; until: Time; end_asked_at: Time | null }
}
