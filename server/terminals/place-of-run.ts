import type { RunId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'

/** The names by which events say where a run is. */
export async function placeOfRun(db: Trx, run: RunId): Promise<{ project: string; pipeline: string }> {
  return db
    .selectFrom('runs')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .select(['projects.name as project', 'pipelines.name as pipeline'])
    .where('runs.id', '=', run)
    .executeTakeFirstOrThrow()
}
