import { sql } from 'kysely'
import type { Db, Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import { ofLeg } from '../runs/job-states.ts'
import type { HeldRun } from '../runs/lease-holder.ts'
import { leftOn } from './closed-lanes.ts'
import { mustFit, type Room } from './room.ts'
import type { SavedArchive } from './save-archive.ts'

/** Of runs that succeeded. */
const MOST_OF_A_LEG = 5

/**
 * Where the state lies that a job has on the run's lane, its newest version: what a run of it left that succeeded, or what a person
 * made of that. Legs of a matrix have a state each.
 *
 * @param job  Null for the run's own; of another job any leg's.
 */
export async function stateOf(db: Db, run: HeldRun, job: string | null): Promise<string | null> {
  const newest = db
    .selectFrom('job_states')
    .innerJoin('archives', 'archives.id', 'job_states.archive_id')
    .innerJoin('jobs', 'jobs.id', 'job_states.job_id')
    .select('archives.key')
    .where('job_states.lane_id', '=', run.lane_id)
    .where('jobs.pipeline_id', '=', run.pipeline_id)
    .where('jobs.name', '=', job ?? run.job)
    .orderBy('job_states.id', 'desc')
    .limit(1)
  const row = await (job === null ? newest.where(ofLeg(run)) : newest).executeTakeFirst()
  return row?.key ?? null
}

type Leaving = { readonly archive: SavedArchive; readonly room: Room }

/** What the run leaves, should it succeed. @throws {Problem} `state-too-large`. */
export async function leaveState(db: Trx, run: HeldRun, { archive, room }: Leaving): Promise<void> {
  await leftOn(db, run.lane_id)
  const what = `what \`${run.job}\` leaves in $TAKT_STATE on \`${run.lane}\``
  await mustFit(db, run, { replaces: { leg: run }, bytes: archive.bytes, what, room })
  await db
    .insertInto('states')
    .values({ run_id: run.id, job_id: run.job_id, lane_id: run.lane_id, archive_id: archive.id })
    .onConflict((already) => already.column('run_id').doUpdateSet({ archive_id: archive.id }))
    .execute()
  await dropOlder(db, run)
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
