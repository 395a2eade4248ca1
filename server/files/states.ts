import { sql } from 'kysely'
import type { ArchiveId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import type { HeldRun } from '../runs/lease-holder.ts'
import { leftOn } from './closed-lanes.ts'

/** Of runs that succeeded. */
const MOST_OF_A_LEG = 5

/**
 * Where the state lies that a job of the run's lane left: that of its newest run that succeeded and left any, so that a run that
 * fails changes nothing. Legs of a matrix have a state each.
 *
 * @param job  Null for the run's own; of another job any leg's.
 */
export async function stateOf(db: Db, run: HeldRun, job: string | null): Promise<string | null> {
  const newest = db
    .selectFrom('states')
    .innerJoin('runs', 'runs.id', 'states.run_id')
    .innerJoin('archives', 'archives.id', 'states.archive_id')
    .innerJoin('jobs', 'jobs.id', 'states.job_id')
    .select('archives.key')
    .where('states.lane_id', '=', run.lane_id)
    .where('jobs.pipeline_id', '=', run.pipeline_id)
    .where('jobs.name', '=', job ?? run.job)
    .where('runs.state', '=', 'succeeded')
    .orderBy('states.run_id', 'desc')
    .limit(1)
  const row = await (
    job === null
      ? newest.where(
          sql<boolean>`runs.matrix is not distinct from ${run.matrix && toJson(run.matrix)}::jsonb`,
        )
      : newest
  ).executeTakeFirst()
  return row?.key ?? null
}

/** What the run leaves, should it succeed. */
export async function leaveState(db: Trx, run: HeldRun, archive: ArchiveId): Promise<void> {
  await db
    .insertInto('states')
    .values({ run_id: run.id, job_id: run.job_id, lane_id: run.lane_id, archive_id: archive })
    .onConflict((already) => already.column('run_id').doUpdateSet({ archive_id: archive }))
    .execute()
  await dropOlder(db, run)
  await leftOn(db, run.lane_id)
}

/** Of its job on the lane, and of its leg, the newest ones of runs that succeeded stay; of those that did not, none. */
async function dropOlder(db: Trx, run: HeldRun): Promise<void> {
  const ofLeg = sql`from states join runs on runs.id = states.run_id
    where states.lane_id = ${run.lane_id} and states.job_id = ${run.job_id} and runs.ended_at is not null
      and runs.matrix is not distinct from ${run.matrix && toJson(run.matrix)}::jsonb`
  await sql`delete from states where run_id in (
      select states.run_id ${ofLeg} and (runs.state <> 'succeeded' or states.run_id <= (
        select states.run_id ${ofLeg} and runs.state = 'succeeded' order by states.run_id desc offset ${MOST_OF_A_LEG} limit 1
      )) for update of states skip locked)`.execute(db)
}
