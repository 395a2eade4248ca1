import { sql } from 'kysely'
import type { LaneId, PipelineId, RunId, VersionId } from '#pipelines/ids.ts'
import { lineGraph } from '#pipelines/plan/layers.ts'
import type { RunState } from '#pipelines/states.ts'
import { definitionOf } from '../catalog/definitions.ts'
import type { Db } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import { placedRun } from './lock-run.ts'
import { retryRun, type Wish } from './retry.ts'

type At = { readonly pipeline: PipelineId; readonly lane: LaneId; readonly version: VersionId }
const STOPPED: readonly RunState[] = ['failed', 'errored', 'cancelled']

/**
 * Run again what stopped a version on its way down a lane: of each job, and each leg of a matrix, the newest run that holds it,
 * where that failed, broke or was cancelled.
 *
 * @returns The new runs, in the order of the line.
 */
export const rerunFailed = async (db: Db, at: At, by: Wish): Promise<RunId[]> =>
  again(db, { lane: at.lane, newest: await newestHolding(db, at) }, by)

/**
 * Run again what stopped the line that a run belongs to: of each job, and each leg of a matrix, the newest run on its lane that
 * shares a version with it and has no other version of anything that both have, where that failed, broke or was cancelled.
 *
 * Each begins at its first step, with the inputs that it had: the files of a run that has ended are gone.
 *
 * @returns The new runs, in the order of the line.
 * @throws {Problem} `run-not-found`.
 */
export async function rerunAround(db: Db, id: RunId, by: Wish): Promise<RunId[]> {
  const run = await placedRun(db, id).executeTakeFirst()
  if (!run) throw new Problem('run-not-found', `there is no run ${id}`)
  const newest = await newestAround(db, { run: id, lane: run.lane_id, pipeline: run.pipeline_id })
  return again(db, { lane: run.lane_id, newest }, by)
}

type Newest = readonly { readonly id: RunId; readonly state: RunState; readonly job: string }[]

async function again(db: Db, { lane, newest }: { lane: LaneId; newest: Newest }, by: Wish): Promise<RunId[]> {
  const current = await definitionOf(db, lane)
  const line = current ? lineGraph(current.definition).layers.flat() : []
  const stopped = newest.filter(({ state }) => STOPPED.includes(state))
  const place = (job: string) => (line.includes(job) ? line.indexOf(job) : line.length)
  const made: RunId[] = []
  for (const { id } of stopped.toSorted((a, b) => place(a.job) - place(b.job) || a.id - b.id))
    made.push(await retryRun(db, id, by))
  return made
}

async function newestAround(
  db: Db,
  { run, lane, pipeline }: { readonly run: RunId; readonly lane: LaneId; readonly pipeline: PipelineId },
): Promise<Newest> {
  const { rows } = await sql<Newest[number]>`
    with own as (select resource_id, version_id from run_inputs where run_id = ${run}),
    near as (
      select ${run}::bigint as run_id
      union select held.run_id from own join run_inputs held on held.version_id = own.version_id
    )
    select distinct on (runs.job_id, runs.matrix) runs.id, runs.state, jobs.name as job
    from near join runs on runs.id = near.run_id join jobs on jobs.id = runs.job_id
    where runs.lane_id = ${lane} and jobs.pipeline_id = ${pipeline}
      and not exists (
        select from run_inputs held join own using (resource_id)
        where held.run_id = runs.id and held.version_id <> own.version_id
      )
    order by runs.job_id, runs.matrix, runs.id desc`.execute(db)
  return rows
}

const newestHolding = (db: Db, { pipeline, lane, version }: At) =>
  db
    .selectFrom('run_inputs')
    .innerJoin('runs', 'runs.id', 'run_inputs.run_id')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .distinctOn(['runs.job_id', 'runs.matrix'])
    .select(['runs.id', 'runs.state', 'jobs.name as job'])
    .where('run_inputs.version_id', '=', version)
    .where('runs.lane_id', '=', lane)
    .where('jobs.pipeline_id', '=', pipeline)
    .orderBy('runs.job_id')
    .orderBy('runs.matrix')
    .orderBy('runs.id', 'desc')
    .execute()
