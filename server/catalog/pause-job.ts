import { sql } from 'kysely'
import type { JobId, LaneId, UserId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { markDirty } from './dirty.ts'
import { addTriggers } from './triggers.ts'

type Person = { readonly id: UserId; readonly name: string }

/**
 * A person decides that a job takes nothing until it goes on, on no lane. What is queued and what runs already goes its way.
 *
 * @throws {Problem} `job-not-found`.
 */
export async function pauseJob(
  db: Db,
  job: JobId,
  { by, reason }: { by: Person; reason: string },
): Promise<void> {
  await transact(db, async (tx) => {
    const { paused_at, reason: was } = await thePause(tx.db, job)
    await tx.db
      .updateTable('jobs')
      .set({ paused_at: sql<Date>`coalesce(paused_at, now())`, paused_by: by.id, paused_reason: reason })
      .where('id', '=', job)
      .execute()
    audited({ before: { paused: paused_at !== null, reason: was }, after: { paused: true, reason } })
    for (const lane of await lanesOf(tx.db, job, 'open')) markDirty(tx, lane, [job])
    await tellLanes(tx, job)
  })
}

/**
 * The job goes on: where it passed something over meanwhile, it looks again at once.
 *
 * @throws {Problem} `job-not-found`.
 * @returns Whether it was paused.
 */
export async function resumeJob(db: Db, job: JobId, by: Person): Promise<boolean> {
  return transact(db, async (tx) => {
    const { paused_at, reason } = await thePause(tx.db, job)
    if (paused_at === null) return false
    audited({ before: { paused: true, reason }, after: { paused: false, reason: null } })
    const lanes = await lanesOf(tx.db, job, paused_at)
    await tx.db
      .updateTable('jobs')
      .set({ paused_at: null, paused_by: null, paused_reason: null })
      .where('id', '=', job)
      .execute()
    const words = `resumed by ${by.name}`
    await addTriggers(
      tx,
      lanes.map((lane) => ({ kind: 'changed', job, lane, words })),
    )
    await tellLanes(tx, job)
    return true
  })
}

/** Whether a job is paused; it stays so until the transaction ends. @throws {Problem} `job-not-found`. */
async function thePause(db: Trx, job: JobId) {
  const known = await db
    .selectFrom('jobs')
    .select(['paused_at', 'paused_reason as reason'])
    .where('id', '=', job)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!known) throw new Problem('job-not-found', `there is no job ${job}`)
  return known
}

/** The lanes on which a job has open triggers, or, unless what they followed is gone, had any since then. */
async function lanesOf(db: Trx, job: JobId, since: Date | 'open'): Promise<LaneId[]> {
  const open = sql<boolean>`fate in ('new', 'gathered')`
  const rows = await db
    .selectFrom('triggers')
    .innerJoin('lanes', 'lanes.id', 'triggers.lane_id')
    .select('lane_id')
    .distinct()
    .where('job_id', '=', job)
    .where((eb) =>
      since === 'open'
        ? open
        : eb.and([eb('lanes.closed_at', 'is', null), eb.or([open, eb('settled_at', '>=', since)])]),
    )
    .execute()
  return rows.map((row) => row.lane_id)
}

/** How many lanes are told at once that a job pauses or goes on: those that somebody may be looking at. */
const MOST_TOLD = 20

async function tellLanes(tx: Tx, job: JobId): Promise<void> {
  const lanes = await tx.db
    .selectFrom('jobs')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('lanes', 'lanes.pipeline_id', 'pipelines.id')
    .select([
      'jobs.name as job',
      'lanes.name as lane',
      'pipelines.name as pipeline',
      'projects.name as project',
    ])
    .where('jobs.id', '=', job)
    .where('lanes.closed_at', 'is', null)
    .orderBy('lanes.touched_at', 'desc')
    .limit(MOST_TOLD)
    .execute()
  for (const lane of lanes) tx.emit({ kind: 'job.planned', ...lane })
}
