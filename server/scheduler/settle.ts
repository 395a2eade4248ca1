import { sql } from 'kysely'
import type { RunId, TriggerId } from '#pipelines/ids.ts'
import type { Fate } from '#pipelines/plan/facts.ts'
import type { Trx } from '../db/connect.ts'
import type { Place } from './place.ts'

export type Settled = {
  readonly trigger: TriggerId
  readonly fate: 'run'
  readonly run: RunId
  readonly reason: null
}

/**
 * Write down what became of triggers; one that waits already, and for the same, is left as it is.
 *
 * @returns Whether any is done with, and whether there is something new to say to people besides the runs.
 */
export async function settle(
  db: Trx,
  fates: readonly (Fate | Settled)[],
): Promise<{ done: boolean; unrun: boolean }> {
  const runs = fates.map((each) => ('run' in each ? each.run : null))
  const { rows } = await sql<{ fate: string }>`
    update triggers set fate = told.fate, reason = told.reason, run_id = told.run,
      settled_at = case when told.fate = 'gathered' then null else now() end
    from unnest(
      ${fates.map((each) => each.trigger)}::bigint[], ${fates.map((each) => each.fate)}::text[],
      ${fates.map((each) => each.reason)}::text[], ${runs}::bigint[]
    ) as told(id, fate, reason, run)
    where triggers.id = told.id and (triggers.fate, triggers.reason) is distinct from (told.fate, told.reason)
    returning triggers.fate`.execute(db)
  return {
    done: rows.some((row) => row.fate !== 'gathered'),
    unrun: rows.some((row) => row.fate !== 'run'),
  }
}

/** Nothing comes of any trigger of a job on a lane that is still open. */
export async function settleAll(
  db: Trx,
  { jobId, laneId }: Pick<Place, 'jobId' | 'laneId'>,
  reason: string,
): Promise<void> {
  await db
    .updateTable('triggers')
    .set({ fate: 'no-run', reason, settled_at: sql<Date>`now()` })
    .where('job_id', '=', jobId)
    .where('lane_id', '=', laneId)
    .where('fate', 'in', ['new', 'gathered'])
    .execute()
}
