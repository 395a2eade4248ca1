import type { RunId } from '#pipelines/ids.ts'
import type { Db, Trx } from '../db/connect.ts'
import { Problem } from '../problem.ts'

/** A run with the names of its place. */
export const placedRun = (db: Db, id: RunId) =>
  db
    .selectFrom('runs')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .innerJoin('lanes', 'lanes.id', 'runs.lane_id')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .select([
      'runs.id',
      'runs.state',
      'runs.attempt',
      'runs.job_id',
      'runs.lane_id',
      'runs.revision_id',
      'runs.lease_token',
      'runs.runner_id',
      'runs.heard_seq',
      'runs.cancel_at',
      'runs.cancel_reason',
      'runs.start',
      'runs.group_key',
      'runs.group_limit',
      'runs.batch_id',
      'runs.matrix',
      'runs.given',
      'runs.attempts_most',
      'runs.allow_failure',
      'runs.started_at',
      'runs.created_by',
      'runs.held',
      'runs.not_before',
      'runs.gate_step',
      'runs.answers',
      'runs.position',
      'runs.handover_id',
      'runs.ending',
      'runs.told',
      'jobs.name as job',
      'lanes.name as lane',
      'lanes.kind as lane_kind',
      'pipelines.id as pipeline_id',
      'pipelines.name as pipeline',
      'projects.id as project_id',
      'projects.name as project',
    ])
    .where('runs.id', '=', id)

/** A run with the names of its place, locked until the transaction ends. */
export async function lockRun(db: Trx, id: RunId) {
  // Not for key changes: who refers to the run meanwhile, as the scheduler does, need not wait.
  const run = await placedRun(db, id).forNoKeyUpdate('runs').executeTakeFirst()
  if (!run) throw new Problem('run-not-found', `there is no run ${id}`)
  return run
}
export type LockedRun = Awaited<ReturnType<typeof lockRun>>
