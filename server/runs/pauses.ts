import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker, type Worker } from '../events/worker.ts'

type Over = { readonly id: RunId; readonly project: string; readonly pipeline: string }

/**
 * Let runs begin again whose pause is over. Pauses end by the clock, and no event tells of it: between two events, this waits for
 * the next end. What it knows lies in the database, so that any server may take over at any moment.
 */
export function startPauses(db: Db, loop: { hints: Hints; sweepMs: number }): Worker {
  let alarm: NodeJS.Timeout | undefined
  const look = async () => {
    clearTimeout(alarm)
    const inMs = await endPauses(db)
    if (inMs !== null && inMs < loop.sweepMs) alarm = setTimeout(() => worker.poke(), inMs).unref()
    return false
  }
  const worker = startWorker('pauses', look, loop)
  return {
    poke: () => worker.poke(),
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]()
      clearTimeout(alarm)
    },
  }
}

/** @returns How long until the next pause ends, on the database's clock; null when there is none. */
export async function endPauses(db: Db): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from min(not_before) - clock_timestamp())::float8 * 1000 as ms
    from runs where not_before is not null`.execute(db)
  const ms = rows[0]?.ms ?? null
  if (ms === null || ms > 0) return ms
  await transact(db, async (tx) => {
    const { rows: over } = await sql<Over>`
      update runs set not_before = null
      from jobs join pipelines on pipelines.id = jobs.pipeline_id join projects on projects.id = pipelines.project_id
      where jobs.id = runs.job_id and runs.id in (
        select id from runs where not_before <= clock_timestamp() order by not_before limit 100
        for no key update skip locked
      )
      returning runs.id, projects.name as project, pipelines.name as pipeline`.execute(tx.db)
    for (const { id, project, pipeline } of over)
      tx.emit({ kind: 'run.progressed', project, pipeline, run: id })
  })
  return 0
}
