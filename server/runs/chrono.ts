import { sql } from 'kysely'
import type { JobId, LaneId, RunId } from '#pipelines/ids.ts'
import { type Edges, edgesOf } from '#pipelines/plan/edges.ts'
import { definitionOf } from '../catalog/definitions.ts'
import type { Trx } from '../db/connect.ts'

/** Whether runs of a job may have to start in the order of their triggers, alone among their neighbours. */
export function startsInOrder(edges: Edges, name: string): boolean {
  const job = edges.jobs.get(name)?.job
  return job !== undefined && [job, ...job.gets, ...job.needs].some(({ start }) => start === 'chrono')
}

type Starting = {
  readonly id: RunId
  readonly job: string
  readonly job_id: JobId
  readonly lane_id: LaneId
  readonly batch_id: RunId | null
}

/**
 * Whether a `chrono` run may start: it is the first in line of its job, and neither the job nor one next to it is running on the
 * lane. The runs of one matrix are one.
 */
export async function mayStart(db: Trx, run: Starting): Promise<boolean> {
  const current = await definitionOf(db, run.lane_id)
  const neighbours = current ? (edgesOf(current.definition).jobs.get(run.job)?.neighbours ?? []) : []
  const batch = run.batch_id ?? run.id
  const { rows } = await sql<{ free: boolean }>`
    select not exists (
      select from runs join jobs on jobs.id = runs.job_id
      where runs.lane_id = ${run.lane_id} and runs.state in ('running', 'waiting')
        and (jobs.id = ${run.job_id} or jobs.name = any(${neighbours}))
        and coalesce(runs.batch_id, runs.id) <> ${batch}
    ) and not exists (
      select from runs
      where lane_id = ${run.lane_id} and job_id = ${run.job_id} and state = 'queued' and start = 'chrono'
        and coalesce(batch_id, id) < ${batch}
    ) as free`.execute(db)
  return rows[0]?.free ?? false
}
