import { sql } from 'kysely'
import type { JobId, LaneId, PipelineId, ResourceId, UserId } from '#pipelines/ids.ts'
import { audited } from '../audit/on-record.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { markDirty } from './dirty.ts'
import { addTriggers } from './triggers.ts'

/**
 * What a person may stop for a while, on every lane of it. A job or a whole pipeline starts nothing; of a resource nobody looks for
 * new versions, and those that come by themselves are recorded and start nothing.
 */
export type Pausable =
  | { readonly of: 'job'; readonly id: JobId }
  | { readonly of: 'pipeline'; readonly id: PipelineId }
  | { readonly of: 'resource'; readonly id: ResourceId; readonly name: string }
type Person = { readonly id: UserId; readonly name: string }

/**
 * A person decides that something stands still until it goes on. What runs already goes its way; what is queued in a paused pipeline
 * stays where it is in the queue.
 *
 * @throws {Problem} `job-not-found`, `pipeline-not-found` or `resource-not-found`.
 */
export async function pause(
  db: Db,
  what: Pausable,
  { by, reason }: { readonly by: Person; readonly reason: string },
): Promise<void> {
  await transact(db, async (tx) => {
    const { paused_at, reason: was } = await thePause(tx.db, what)
    await tx.db
      .updateTable(TABLES[what.of])
      .set({ paused_at: sql<Date>`coalesce(paused_at, now())`, paused_by: by.id, paused_reason: reason })
      .where('id', '=', what.id)
      .execute()
    audited({ before: { paused: paused_at !== null, reason: was }, after: { paused: true, reason } })
    for (const { job, lane } of await touchedBy(tx.db, what, 'open')) markDirty(tx, lane, [job])
    await tell(tx, what)
  })
}

/**
 * It goes on: what is queued may start, and jobs that passed something over meanwhile look again at once. What is paused by itself
 * inside of it stays so.
 *
 * @throws {Problem} `job-not-found`, `pipeline-not-found` or `resource-not-found`.
 * @returns Whether it was paused.
 */
export async function resume(db: Db, what: Pausable, by: Person): Promise<boolean> {
  return transact(db, async (tx) => {
    const { paused_at, reason } = await thePause(tx.db, what)
    if (paused_at === null) return false
    audited({ before: { paused: true, reason }, after: { paused: false, reason: null } })
    const touched = await touchedBy(tx.db, what, paused_at)
    await tx.db
      .updateTable(TABLES[what.of])
      .set({ paused_at: null, paused_by: null, paused_reason: null })
      .where('id', '=', what.id)
      .execute()
    const words = `${wordsOf(what)}resumed by ${by.name}`
    await addTriggers(
      tx,
      touched.map((at) => ({ kind: 'changed', ...at, words })),
    )
    await tell(tx, what)
    return true
  })
}

const TABLES = { job: 'jobs', pipeline: 'pipelines', resource: 'resources' } as const

function wordsOf(what: Pausable): string {
  switch (what.of) {
    case 'job':
      return ''
    case 'pipeline':
      return 'the pipeline was '
    case 'resource':
      return `${what.name} was `
  }
}

/** Whether it is paused; it stays so until the transaction ends. */
async function thePause(db: Trx, { of, id }: Pausable) {
  const known = await db
    .selectFrom(TABLES[of])
    .select(['paused_at', 'paused_reason as reason'])
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (!known) throw new Problem(`${of}-not-found`, `there is no ${of} ${id}`)
  return known
}

type At = { readonly job: JobId; readonly lane: LaneId }

/** The jobs and lanes that have open triggers there, or, unless what they followed is gone, had any since then. */
async function touchedBy(db: Trx, what: Pausable, since: Date | 'open'): Promise<At[]> {
  const open = sql<boolean>`fate in ('new', 'gathered')`
  return db
    .selectFrom('triggers')
    .innerJoin('jobs', 'jobs.id', 'triggers.job_id')
    .innerJoin('lanes', 'lanes.id', 'triggers.lane_id')
    .select(['triggers.job_id as job', 'triggers.lane_id as lane'])
    .distinct()
    .where(triggersOf(what))
    .where((eb) =>
      since === 'open'
        ? open
        : eb.and([eb('lanes.closed_at', 'is', null), eb.or([open, eb('settled_at', '>=', since)])]),
    )
    .execute()
}

/** Beside rows of `triggers` and `jobs`. */
function triggersOf(what: Pausable) {
  switch (what.of) {
    case 'job':
      return sql<boolean>`jobs.id = ${what.id}`
    case 'pipeline':
      return sql<boolean>`jobs.pipeline_id = ${what.id}`
    case 'resource':
      return sql<boolean>`triggers.kind = 'version' and triggers.edge = ${what.name}
        and jobs.pipeline_id = (select pipeline_id from resources where id = ${what.id})`
  }
}

/** Lines are read again, runners look for work, and resources are looked at: each of these hears of it. */
async function tell(tx: Tx, { of, id }: Pausable): Promise<void> {
  const pipeline =
    of === 'pipeline' ? sql`${id}` : sql`(select pipeline_id from ${sql.table(TABLES[of])} where id = ${id})`
  const { rows } = await sql<{ project: string; pipeline: string }>`
    select projects.name as project, pipelines.name as pipeline
    from pipelines join projects on projects.id = pipelines.project_id where pipelines.id = ${pipeline}`.execute(
    tx.db,
  )
  for (const where of rows) tx.emit({ kind: 'pause.changed', ...where })
}
