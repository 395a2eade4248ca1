import { type RawBuilder, sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'

/** Values, or columns of the query around. */
type Attempt = { readonly id: RunId | RawBuilder<RunId>; readonly attempt: number | RawBuilder<number> }

/**
 * An attempt that goes on behind a gate has not done what stands before it: an earlier one did, up to where it handed the workspace
 * over. Steps are numbered through, so that each number is there once.
 *
 * For queries that read `steps` or `commands` by these names.
 */
export const ofAttempt = (rows: 'steps' | 'commands', { id, attempt }: Attempt): RawBuilder<boolean> => {
  const row = sql.table(rows)
  return sql<boolean>`(${row}.run_id = ${id} and (${row}.attempt = ${attempt} or (${row}.attempt < ${attempt} and ${row}.step <= (
    select max(last_step) from handovers where handovers.run_id = ${row}.run_id and handovers.attempt = ${row}.attempt
      and handovers.checkpoint is null and handovers.carried is not null))))`
}
