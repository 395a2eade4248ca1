import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import { serverGoes } from '../catalog/maintenance.ts'
import { itsPipelineGoes } from '../catalog/pauses.ts'
import type { Db } from '../db/connect.ts'
import { LOCKS } from '../db/locks.ts'
import { transact } from '../db/transact.ts'

/** Machines that people wait for longer than this are too few, too full, or not there. */
const LATE_MS = 10 * 60_000
/** Told at once; the others with the next look. */
const MOST_AT_ONCE = 500

/** Beside a row of `runs`: it waits for a runner, and for nothing else. */
const waits = sql`runs.state = 'queued' and runs.held is null and runs.not_before is null and runs.gate_step is null
  and ${itsPipelineGoes} and ${serverGoes}`

/** Note which runs wait for a runner, and tell once of each that has done so for long. What has waited for something else begins anew. */
export async function noteLateRuns(db: Db): Promise<void> {
  await transact(db, async (tx) => {
    const { rows } = await sql<{ mine: boolean }>`
      select pg_try_advisory_xact_lock(${LOCKS.lateRuns}) as mine`.execute(tx.db)
    if (!rows[0]?.mine) return
    await sql`delete from late_runs using runs where runs.id = late_runs.run_id and not (${waits})`.execute(
      tx.db,
    )
    await sql`insert into late_runs (run_id) select runs.id from runs where ${waits} on conflict do nothing`.execute(
      tx.db,
    )
    const late = await sql<Late>`
      update late_runs set told_at = now()
      from runs join jobs on jobs.id = runs.job_id join pipelines on pipelines.id = jobs.pipeline_id
        join projects on projects.id = pipelines.project_id
      where runs.id = late_runs.run_id and late_runs.run_id in (
        select run_id from late_runs where told_at is null and since < now() - ${LATE_MS} * interval '1 millisecond'
        order by since, run_id limit ${MOST_AT_ONCE})
      returning runs.id as run, pipelines.name as pipeline, projects.name as project`.execute(tx.db)
    for (const { run, pipeline, project } of late.rows) tx.emit({ kind: 'run.late', project, pipeline, run })
  })
}

type Late = { readonly run: RunId; readonly pipeline: string; readonly project: string }
