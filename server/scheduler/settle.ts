import { sql } from 'kysely'
import type { RunId, TriggerId } from '#pipelines/ids.ts'
import { isSuppliedQuietly } from '#pipelines/plan/edges.ts'
import type { Fate } from '#pipelines/plan/facts.ts'
import type { Trx } from '../db/connect.ts'
import type { Place } from './place.ts'

export type Settled = {
  readonly trigger: TriggerId
  readonly fate: 'run'
  readonly run: RunId
  readonly reason: null
  readonly lacks: false
}

/**
 * Write down what became of triggers; one that waits already, and for the same, is left as it is. With a run everything older is
 * done with, whatever it lacked.
 *
 * @returns Whether any is done with, and whether there is something new to say to people besides the runs.
 */
export async function settle(
  db: Trx,
  { jobId, laneId, edges }: Pick<Place, 'jobId' | 'laneId' | 'edges'>,
  fates: readonly (Fate | Settled)[],
): Promise<{ done: boolean; unrun: boolean }> {
  const quietly = isSuppliedQuietly(edges)
  const runs = fates.map((each) => ('run' in each ? each.run : null))
  const newest = Math.max(0, ...fates.flatMap((each) => ('run' in each ? [each.trigger] : [])))
  const { rows } = await sql<{ fate: string }>`
    with done as (
      update triggers set lacks = false
      where job_id = ${jobId} and lane_id = ${laneId} and lacks and id < ${newest}
        and id <> all(${fates.map((each) => each.trigger)}::bigint[])
    )
    update triggers set fate = told.fate, reason = told.reason, run_id = told.run,
      lacks = told.lacks and ${quietly} and triggers.id > ${newest},
      settled_at = case when told.fate = 'gathered' then null else now() end
    from unnest(
      ${fates.map((each) => each.trigger)}::bigint[], ${fates.map((each) => each.fate)}::text[],
      ${fates.map((each) => each.reason)}::text[], ${runs}::bigint[], ${fates.map((each) => each.lacks)}::boolean[]
    ) as told(id, fate, reason, run, lacks)
    where triggers.id = told.id
      and (triggers.fate, triggers.reason, triggers.lacks) is distinct from (told.fate, told.reason, told.lacks)
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
    .set({ fate: 'no-run', reason, lacks: false, settled_at: sql<Date>`now()` })
    .where('job_id', '=', jobId)
    .where('lane_id', '=', laneId)
    .where('fate', 'in', ['new', 'gathered'])
    .execute()
}
