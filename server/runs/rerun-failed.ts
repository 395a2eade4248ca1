import type { LaneId, PipelineId, RunId, VersionId } from '#pipelines/ids.ts'
import { lineGraph } from '#pipelines/plan/layers.ts'
import type { RunState } from '#pipelines/states.ts'
import { definitionOf } from '../catalog/definitions.ts'
import type { Db } from '../db/connect.ts'
import { retryRun, type Wish } from './retry.ts'

type At = { readonly pipeline: PipelineId; readonly lane: LaneId; readonly version: VersionId }
const STOPPED: readonly RunState[] = ['failed', 'errored', 'cancelled']

/**
 * Run again what stopped a version on its way down a lane: of each job, and each leg of a matrix, the newest run that holds it,
 * where that failed, broke or was cancelled.
 *
 * @returns The new runs, in the order of the line.
 */
export async function rerunFailed(db: Db, at: At, by: Wish): Promise<RunId[]> {
  const current = await definitionOf(db, at.lane)
  const line = current ? lineGraph(current.definition).layers.flat() : []
  const stopped = (await newestHolding(db, at)).filter(({ state }) => STOPPED.includes(state))
  const place = (job: string) => (line.includes(job) ? line.indexOf(job) : line.length)
  const again: RunId[] = []
  for (const { id } of stopped.toSorted((a, b) => place(a.job) - place(b.job) || a.id - b.id))
    again.push(await retryRun(db, id, by))
  return again
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
