import { sql } from 'kysely'
import type { Db } from '../db/connect.ts'
import { type Worker, startWorker } from '../events/worker.ts'
import { log } from '../log.ts'

const SWEEP_MS = 10 * 60_000
/** So many at a time, so that no transaction is long. */
const BATCH = 200

/**
 * Remove the payloads of deliveries that have served their time. Any number of servers may.
 *
 * @param days  0: they are kept for ever.
 */
export const startPayloadSweep = (db: Db, days: number): Worker =>
  startWorker('payloads', async () => days > 0 && sweepPayloads(db, days), {
    hints: { on: () => () => {} },
    sweepMs: SWEEP_MS,
  })

/**
 * The rows stay and say what became of them. What is still needed stays as well: what told of an open pull request last, what somebody
 * is asked about, and the newest of each repository from its forge, which says what the forge calls it.
 *
 * @returns Whether there are more.
 */
export async function sweepPayloads(db: Db, days: number): Promise<boolean> {
  const { rows } = await sql<{ id: number }>`
    with old as (
      select id from deliveries
      where body is not null and processed_at < now() - ${days} * interval '1 day'
        and not exists (
          select from applied_pushes
          where applied_pushes.delivery_id = deliveries.id and name like 'refs/pull/%' and sha is not null)
        and not exists (
          select from pull_heads where pull_heads.delivery_id = deliveries.id and pull_heads.state = 'waiting')
        and id is distinct from (
          select newest.id from deliveries newest
          where newest.repository_id = deliveries.repository_id and newest.project_id is null
            and newest.source in ('github', 'gitlab', 'gitea') and newest.body is not null
          order by newest.id desc limit 1)
      order by processed_at, id limit ${BATCH} for update skip locked
    )
    update deliveries set body = null, removed_at = now() from old where deliveries.id = old.id
    returning deliveries.id`.execute(db)
  if (rows.length > 0) log.info({ payloads: rows.length }, 'deliveries.payloads-removed')
  return rows.length === BATCH
}
