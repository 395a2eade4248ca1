import { sql } from 'kysely'
import type { EndingId } from '#pipelines/ids.ts'
import { isTrusted } from '#pipelines/plan/secrets-in.ts'
import type { Trx } from '../db/connect.ts'
import type { LockedRun } from './lock-run.ts'

/**
 * Other pipelines may follow the job: its green end is put down for them in the transaction that ends the run, and told by whichever
 * server comes to it. A pull request starts nothing elsewhere, whoever wrote it.
 */
export async function noteFollowed(db: Trx, run: LockedRun, ending: EndingId): Promise<void> {
  if (!isTrusted(run.lane_kind)) return
  await sql`
    insert into ends_to_tell (ending_id) select ${ending}
    where exists (select from followed_jobs
      where project = ${run.project} and pipeline = ${run.pipeline} and job = ${run.job})`.execute(db)
}
