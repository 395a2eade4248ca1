import { sql } from 'kysely'
import type { JobId, LaneId, PipelineId, UserId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { markDirty } from './dirty.ts'
import { addTriggers } from './triggers.ts'

type Person = { readonly id: UserId; readonly name: string }

/**
 * A person decides that a whole pipeline starts nothing until it goes on, on no lane. What runs already goes its way; what is queued
 * stays where it is in the queue. Versions are found and recorded meanwhile.
 *
 * @throws {Problem} `pipeline-not-found`.
 */
export async function pausePipeline(
  db: Db,
  pipeline: PipelineId,
  { by, reason }: { by: Person; reason: string },
): Promise<void> {
  await transact(db, async (tx) => {
    const { paused_at, reason: was } = await thePause(tx.db, pipeline)
    await tx.db
      .updateTable('pipelines')
      .set({ paused_at: sql<Date>`coalesce(paused_at, now())`, paused_by: by.id, paused_reason: reason })
      .where('id', '=', pipeline)
      .execute()
    audited({ before: { paused: paused_at !== null, reason: was }, after: { paused: true, reason } })
    for (const { job, lane } of await touchedBy(tx.db, pipeline, 'open')) markDirty(tx, lane, [job])
    await tellLanes(tx, pipeline)
  })
}

/**
 * The pipeline goes on: what is queued may start, and jobs that passed something over meanwhile look again at once. A job that was
 * paused by itself stays so.
 *
 * @throws {Problem} `pipeline-not-found`.
 * @returns Whether it was paused.
 */
export async function resumePipeline(db: Db, pipeline: PipelineId, by: Person): Promise<boolean> {
  return transact(db, async (tx) => {
    const { paused_at, reason } = await thePause(tx.db, pipeline)
    if (paused_at === null) return false
    audited({ before: { paused: true, reason }, after: { paused: false, reason: null } })
    const touched = await touchedBy(tx.db, pipeline, paused_at)
    await tx.db
      .updateTable('pipelines')
      .set({ paused_at: null, paused_by: null, paused_reason: null })
      .where('id', '=', pipeline)
      .execute()
    const words = `the pipeline was resumed by ${by.name}`
    await addTriggers(
      tx,
      touched.map((at) => ({ kind: 'changed', ...at, words })),
    )
    await tellLanes(tx, pipeline)
    return true
  })
}

/** Whether a pipeline is paused; it stays so until the transaction ends. @throws {Problem} `pipeline-not-found`. */
async function thePause(db: Trx, pipeline: PipelineId) {
  const known = await db
    .selectFrom('pipelines')
    .select(['paused_at', 'paused_reason as reason'])
    .where('id', '=', pipeline)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!known) throw new Problem('pipeline-not-found', `there is no pipeline ${pipeline}`)
  return known
}

type At = { readonly job: JobId; readonly lane: LaneId }

/** Where jobs that are not paused by themselves have open triggers, or, unless what they followed is gone, had any since then. */
async function touchedBy(db: Trx, pipeline: PipelineId, since: Date | 'open'): Promise<At[]> {
  const open = sql<boolean>`fate in ('new', 'gathered')`
  return db
    .selectFrom('triggers')
    .innerJoin('jobs', 'jobs.id', 'triggers.job_id')
    .innerJoin('lanes', 'lanes.id', 'triggers.lane_id')
    .select(['triggers.job_id as job', 'triggers.lane_id as lane'])
    .distinct()
    .where('jobs.pipeline_id', '=', pipeline)
    .where('jobs.paused_at', 'is', null)
    .where((eb) =>
      since === 'open'
        ? open
        : eb.and([eb('lanes.closed_at', 'is', null), eb.or([open, eb('settled_at', '>=', since)])]),
    )
    .execute()
}

/** How many lanes are told at once that a pipeline pauses or goes on: those that somebody may be looking at. */
const MOST_TOLD = 20

/** Lines are read again, and runners look for work: each of these tells all of that. */
async function tellLanes(tx: Tx, pipeline: PipelineId): Promise<void> {
  const { rows } = await sql<{ job: string; lane: string; pipeline: string; project: string }>`
    select (select min(jobs.name) from jobs where jobs.pipeline_id = pipelines.id) as job,
      lanes.name as lane, pipelines.name as pipeline, projects.name as project
    from pipelines join projects on projects.id = pipelines.project_id join lanes on lanes.pipeline_id = pipelines.id
    where pipelines.id = ${pipeline} and exists (select from jobs where jobs.pipeline_id = pipelines.id)
    order by lanes.touched_at desc limit ${MOST_TOLD}`.execute(tx.db)
  for (const lane of rows) tx.emit({ kind: 'job.planned', ...lane })
}
