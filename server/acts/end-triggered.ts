import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { askToEnd } from '../runs/ask.ts'

type Left = { readonly id: RunId; readonly parent: RunId }

/**
 * A run that was cancelled, or superseded, while it waited for a run that it had started takes that with it. What it started and did not
 * wait for is on its own; and so is what a person begins again.
 */
export async function endTriggered(db: Db): Promise<void> {
  const { rows } = await sql<Left>`
    select runs.id, gates.run_id as parent
    from runs
    join triggered on triggered.run_id in (runs.id, runs.batch_id)
    join gates on gates.id = triggered.gate_id
    join acts on acts.gate_id = gates.id
    where runs.state in ('queued', 'running', 'waiting') and runs.cancel_at is null and runs.retry_of is null
      and gates.state = 'withdrawn' and (acts.spec->>'wait')::boolean
    order by runs.id`.execute(db)
  for (const { id, parent } of rows) {
    const reason = `run ${parent}, which had started it and waited for it, was cancelled`
    await transact(db, (tx) => askToEnd(tx, id, { reason, only: null }))
  }
}
