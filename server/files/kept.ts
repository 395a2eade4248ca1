import { sql } from 'kysely'
import type { ArchiveId, RunId } from '#pipelines/ids.ts'
import { definitionIn } from '../catalog/definitions.ts'
import type { Db, Trx } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import { toJson } from '../db/to-json.ts'
import type { HeldRun } from '../runs/lease-holder.ts'

/** How long the job's own words keep its files; null where it keeps none. */
export async function keepingOf(db: Db, run: HeldRun): Promise<{ forMs: number; runs: number } | null> {
  const revision = await definitionIn(db, run.revision_id)
  return revision?.definition.jobs.find((job) => job.name === run.job)?.keep ?? null
}

type Keeping = { readonly archive: ArchiveId; readonly forMs: number; readonly runs: number }

/** The run's files are these, instead of what an earlier attempt kept; of its job on this lane, the oldest ones' time is over. */
export async function keepFiles(db: Trx, run: HeldRun, { archive, forMs, runs }: Keeping): Promise<void> {
  const expires_at = sql<Date>`now() + ${forMs} * interval '1 millisecond'`
  await db
    .insertInto('kept')
    .values({ run_id: run.id, archive_id: archive, expires_at })
    .onConflict((already) => already.column('run_id').doUpdateSet({ archive_id: archive, expires_at }))
    .execute()
  await sql`update kept set expires_at = now() where archive_id is not null and expires_at > now() and run_id in (
      select kept.run_id from kept join runs on runs.id = kept.run_id
      where runs.job_id = ${run.job_id} and runs.lane_id = ${run.lane_id} and kept.archive_id is not null
        and (runs.matrix is not distinct from ${run.matrix && toJson(run.matrix)}::jsonb)
      order by kept.run_id desc offset ${runs})`.execute(db)
}

/**
 * Where the files lie that one run kept for another one that needs it, or needs another leg of its matrix.
 *
 * @throws {Problem} `files-not-found` where it does not need it, or nothing was kept; `files-expired`.
 */
export async function keptFor(db: Db, run: RunId, upstream: string): Promise<string> {
  const from = /^\d{1,15}$/.test(upstream) ? (Number(upstream) as RunId) : (0 as RunId)
  const { rows: needed } = await sql`
    select from run_needs join runs as one on one.id = run_needs.upstream_id
    where run_needs.run_id = ${run}
      and (one.id = ${from} or one.batch_id = (select batch_id from runs where id = ${from}))`.execute(db)
  if (needed.length === 0)
    throw new Problem('files-not-found', `run ${run} does not need run ${upstream.slice(0, 20)}`)
  return keptBy(db, from)
}

/** @throws {Problem} `files-not-found` or `files-expired`. */
export async function keptBy(db: Db, run: RunId): Promise<string> {
  const row = await db
    .selectFrom('kept')
    .leftJoin('archives', 'archives.id', 'kept.archive_id')
    .select(['archives.key', 'kept.expires_at'])
    .where('kept.run_id', '=', run)
    .executeTakeFirst()
  if (!row) throw new Problem('files-not-found', `run ${run} kept no files`)
  if (row.key === null)
    throw new Problem(
      'files-expired',
      `the files of run ${run} have expired; run it again, or keep them longer with \`keep: { for: … }\``,
    )
  return row.key
}
