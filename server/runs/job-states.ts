import { sql } from 'kysely'
import type { ArchiveId, JobId, LaneId, RunId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import type { Tx } from '../db/transact.ts'
import type { LockedRun } from './lock-run.ts'

/** A job on a lane; each leg of a matrix remembers for itself. */
export type Leg = {
  readonly job_id: JobId
  readonly lane_id: LaneId
  readonly matrix: Readonly<Record<string, string>> | null
}
/** Of a leg the newest ones stay, the one in force among them. */
export const MOST_VERSIONS = 20
/** Others that add versions of the same leg meanwhile; each of them gets through. */
const MOST_TRIES = 100

type Made = {
  readonly archive: ArchiveId
  readonly run?: RunId
  readonly by?: string
  readonly reason?: string | null
  readonly restored?: number | null
}

/** Beside a row of `job_states`. */
export const ofLeg = ({ job_id, lane_id, matrix }: Leg) =>
  sql<boolean>`job_states.lane_id = ${lane_id} and job_states.job_id = ${job_id}
    and job_states.matrix is not distinct from ${matrix && toJson(matrix)}::jsonb`

/** 0 while there is none. */
export async function newestState(db: Trx, leg: Leg): Promise<number> {
  const row = await db
    .selectFrom('job_states')
    .select((eb) => eb.fn.max('version').as('version'))
    .where(ofLeg(leg))
    .executeTakeFirst()
  return row?.version ?? 0
}

/**
 * A job's state becomes another one.
 *
 * @param on  The version that it must follow; null for whichever is the newest.
 * @returns Its number, or null where it follows another version by now.
 */
export async function addJobState(
  db: Trx,
  leg: Leg,
  { archive, run, by, reason, restored }: Made,
  on: number | null,
): Promise<number | null> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const version = (on ?? (await newestState(db, leg))) + 1
    // Who adds the same one at once waits here for the other, and finds it taken.
    const row = await db
      .insertInto('job_states')
      .values({
        ...{ lane_id: leg.lane_id, job_id: leg.job_id, matrix: leg.matrix && toJson(leg.matrix) },
        ...{ version, archive_id: archive, run_id: run ?? null, made_by: by ?? null },
        ...{ reason: reason ?? null, restored: restored ?? null },
      })
      .onConflict((already) => already.doNothing())
      .returning('version')
      .executeTakeFirst()
    if (row) {
      await db
        .deleteFrom('job_states')
        .where(ofLeg(leg))
        .where('version', '<=', version - MOST_VERSIONS)
        .execute()
      return row.version
    }
    if (on !== null) return null
  }
  throw new Error(`job ${leg.job_id} on lane ${leg.lane_id} had a new state ${MOST_TRIES} times in a row`)
}

/**
 * A run has succeeded: what it left is its job's state from now on, unless a later run has left one already. A run that fails changes
 * nothing, so that the next one finds what the last good one left.
 */
export async function settleState(tx: Tx, run: LockedRun): Promise<void> {
  const left = await tx.db
    .selectFrom('states')
    .select('archive_id')
    .where('run_id', '=', run.id)
    .executeTakeFirst()
  if (!left) return
  const leg = { job_id: run.job_id, lane_id: run.lane_id, matrix: run.matrix }
  const later = await tx.db
    .selectFrom('job_states')
    .select('id')
    .where(ofLeg(leg))
    .where('run_id', '>=', run.id)
    .limit(1)
    .executeTakeFirst()
  if (later) return
  await addJobState(tx.db, leg, { archive: left.archive_id, run: run.id }, null)
  const { project, pipeline, lane, job } = run
  tx.emit({ kind: 'state.changed', project, pipeline, lane, job })
}
