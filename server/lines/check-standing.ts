import { sql } from 'kysely'
import type { PipelineId } from '#pipelines/ids.ts'
import type { RunError } from '#pipelines/wire/runner.ts'
import type { Db } from '../db/connect.ts'

/** How the checks of a resource stand, as people see it. */
export type CheckStanding = {
  readonly every_ms: number
  readonly checked_at: string | null
  readonly next_at: string | null
  readonly running: boolean
  readonly error: RunError | null
  /** Why it is not under way although it is due; null where it is, or is not due. */
  readonly waits: string | null
}

/** So long after it was due people are told what it waits for. */
const LATE_MS = 5_000

type Row = {
  resource: string
  kind: string
  every_ms: number
  checked_at: Date | null
  due_at: Date
  error: RunError | null
  running: boolean
  late: boolean
  somebody: boolean
}

/** The checks of a pipeline's resources, by name. What is not looked for has none. */
export async function checksOf(db: Db, pipeline: PipelineId): Promise<ReadonlyMap<string, CheckStanding>> {
  const { rows } = await sql<Row>`
    select resources.name as resource, checks.kind, checks.every_ms, checks.checked_at, checks.due_at, checks.error,
      coalesce(checks.lease_until > now(), false) as running,
      checks.due_at < now() - ${LATE_MS} * interval '1 millisecond' as late,
      exists (select from runners where connection is not null and present_until > now() and checks > 0) as somebody
    from resources join checks on checks.id = resources.check_id
    where resources.pipeline_id = ${pipeline}`.execute(db)
  return new Map(rows.map((row) => [row.resource, standingOf(row)]))
}

function standingOf({
  kind,
  every_ms,
  checked_at,
  due_at,
  error,
  running,
  late,
  somebody,
}: Row): CheckStanding {
  const isStuck = kind === 'custom' && late && !running
  return {
    every_ms,
    checked_at: checked_at?.toISOString() ?? null,
    next_at: running ? null : due_at.toISOString(),
    running,
    error,
    waits: !isStuck
      ? null
      : somebody
        ? 'all runners that check resources are busy with others'
        : 'no runner is connected that checks resources: its engine must be Docker',
  }
}
