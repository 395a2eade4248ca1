import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import type { Tx } from '../db/transact.ts'
import type { LaneNow } from '../resources/commit.ts'
import { askToEnd } from '../runs/ask.ts'

/** What an earlier time started and what has not come to its end: a run, or a start that nobody has looked at yet. */
export type Busy = { readonly run: RunId | null; readonly words: string }

const UNDER_WAY = ['queued', 'running', 'waiting'] as const

/** The jobs that a resource starts, as far as the pipeline ever had them. */
export const startedBy = (at: LaneNow, resource: string): readonly string[] =>
  edgesOf(at.definition).startedByVersion.get(resource) ?? []

/** Whether a run that an earlier time may have started goes on, or is about to be made. */
export async function busyWith(tx: Tx, at: LaneNow, resource: string): Promise<Busy | null> {
  const names = startedBy(at, resource)
  if (names.length === 0) return null
  const run = await runsOf(tx, at, names).limit(1).executeTakeFirst()
  if (run) return { run: run.id, words: `run ${run.id} still ran` }
  const { rows } = await sql<{ due: boolean }>`
    select exists (
      select from triggers join jobs on jobs.id = triggers.job_id join versions on versions.id = triggers.version_id
        join resources on resources.id = versions.resource_id
      where jobs.pipeline_id = ${at.pipelineId} and jobs.name = any(${[...names]}) and triggers.lane_id = ${at.laneId}
        and resources.name = ${resource} and (triggers.fate = 'gathered' or triggers.fate = 'new' and not triggers.lacks)
    ) as due`.execute(tx.db)
  return rows[0]?.due ? { run: null, words: 'the run for the time before had not begun' } : null
}

/** The runs of an earlier time are to end for a new one. What people have started themselves goes its way. @returns The first of them. */
export async function endFor(tx: Tx, at: LaneNow, { resource, due }: { resource: string; due: string }) {
  const rows = await runsOf(tx, at, startedBy(at, resource)).where('runs.created_by', 'is', null).execute()
  const reason = `\`${resource}\` came again at ${due} (\`overlap: cancel_running\`)`
  for (const { id } of rows) await askToEnd(tx, id, { reason, only: null })
  return rows[0]?.id ?? null
}

const runsOf = (tx: Tx, at: LaneNow, names: readonly string[]) =>
  tx.db
    .selectFrom('runs')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .select('runs.id')
    .where('jobs.pipeline_id', '=', at.pipelineId)
    .where('jobs.name', '=', sql<string>`any(${[...names]}::text[])`)
    .where('runs.lane_id', '=', at.laneId)
    .where('runs.state', 'in', UNDER_WAY)
    .orderBy('runs.id')
