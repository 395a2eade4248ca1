import { sql } from 'kysely'
import type { ArchiveId } from '#pipelines/ids.ts'
import { partAt } from '#pipelines/plan/parts.ts'
import type { Db, Trx } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import type { Place } from '../runs/handovers.ts'
import { jobOfRun } from '../runs/job-of-run.ts'
import type { HeldRun } from '../runs/lease-holder.ts'

/** How long a run can be begun again from what it left at a checkpoint. */
const KEPT_DAYS = 30

/**
 * A place in the run's present part at which its job hands the workspace over: its next gate, or a checkpoint before that.
 *
 * @throws {Problem} `invalid-request`.
 */
export async function handOverPlace(
  db: Db,
  run: HeldRun,
  { position, checkpoint }: { readonly position: string; readonly checkpoint: string | undefined },
): Promise<Place> {
  const job = await jobOfRun(db, run)
  const at = /^\d{1,5}$/.test(position) ? Number(position) : -1
  const part = job && partAt(job, run.position)
  const before = part?.steps[at - 1 - run.position]
  if (checkpoint === undefined && at >= 0 && part?.gate === at) return { position: at, checkpoint: null }
  if (before?.kind === 'checkpoint' && before.label === checkpoint) return { position: at, checkpoint }
  throw new Problem(
    'invalid-request',
    `the job \`${run.job}\` hands nothing over at ${JSON.stringify(position.slice(0, 20))} in its present part`,
  )
}

/** The run's workspace as it was at this place, instead of what was sent of it before. */
export async function keepWorkspace(
  db: Trx,
  run: HeldRun,
  { position, checkpoint, archive }: Place & { readonly archive: ArchiveId },
): Promise<void> {
  const expires_at = checkpoint === null ? null : sql<Date>`now() + ${KEPT_DAYS} * interval '1 day'`
  await db
    .insertInto('handovers')
    .values({
      ...{ run_id: run.id, attempt: run.attempt, position, checkpoint, expires_at },
      ...{ archive_id: archive, carried: null, outputs: '{}', runner_id: null },
    })
    .onConflict((already) =>
      already
        .expression(sql`run_id, attempt, position, coalesce(checkpoint, '')`)
        .doUpdateSet({ archive_id: archive, carried: null, expires_at }),
    )
    .execute()
}

/**
 * Where the workspace lies that the run goes on with.
 *
 * @throws {Problem} `files-not-found` where it began with a workspace of its own; `files-expired`.
 */
export async function workspaceFor(db: Db, run: HeldRun): Promise<string> {
  if (run.handover_id === null)
    throw new Problem('files-not-found', `run ${run.id} goes on with no other workspace`)
  const row = await db
    .selectFrom('handovers')
    .leftJoin('archives', 'archives.id', 'handovers.archive_id')
    .select('archives.key')
    .where('handovers.id', '=', run.handover_id)
    .executeTakeFirst()
  if (row?.key) return row.key
  throw new Problem(
    'files-expired',
    `the files that run ${run.id} goes on with are not kept any more; start the job anew`,
  )
}

/** Checkpoints whose time is over, unless a run that is still open begins with them. */
export const expireCheckpoints = (db: Db) =>
  sql`update handovers set archive_id = null
    where archive_id is not null and expires_at < now() and not exists (
      select from runs where runs.handover_id = handovers.id and runs.state in ('queued', 'running', 'waiting'))`.execute(
    db,
  )
