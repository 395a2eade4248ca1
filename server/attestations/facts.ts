import { sql } from 'kysely'
import type { RunId } from '#pipelines/ids.ts'
import type { Job, Pipeline } from '#pipelines/language/pipeline.ts'
import { stepsIn } from '#pipelines/language/step.ts'
import type { Db, Trx } from '../db/connect.ts'
import { ofAttempt } from '../runs/attempt-steps.ts'

/** The run, as provenance tells of it. */
export const foundRun = (db: Db | Trx, id: RunId) =>
  db
    .selectFrom('runs')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .innerJoin('lanes', 'lanes.id', 'runs.lane_id')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('revisions', 'revisions.id', 'runs.revision_id')
    .leftJoin('runners', 'runners.id', 'runs.runner_id')
    .select([
      'runs.id',
      'runs.attempt',
      'runs.start',
      'runs.matrix',
      'runs.given',
      'runs.started_at',
      'jobs.name as job',
      'lanes.name as lane',
      'pipelines.name as pipeline',
      'projects.name as project',
      'revisions.sha',
      'revisions.definition',
      'runners.name as runner',
      'runners.version',
    ])
    .where('runs.id', '=', id)
    .executeTakeFirstOrThrow()
export type FoundRun = Awaited<ReturnType<typeof foundRun>>

/** What the run was created with. */
export async function usedVersions(db: Db | Trx, run: RunId) {
  const rows = await db
    .selectFrom('run_inputs')
    .innerJoin('resources', 'resources.id', 'run_inputs.resource_id')
    .innerJoin('versions', 'versions.id', 'run_inputs.version_id')
    .leftJoin('repositories', 'repositories.id', 'resources.repository_id')
    .select(['resources.name as resource', 'versions.name', 'versions.body', 'repositories.url'])
    .where('run_inputs.run_id', '=', run)
    .orderBy('run_inputs.position')
    .execute()
  return rows.map(({ body, ...row }) => ({ ...row, fields: 'fields' in body ? body.fields : {} }))
}
export type UsedVersion = Awaited<ReturnType<typeof usedVersions>>[number]

/** What of the attempt has been done so far. */
export const usedSteps = (db: Db | Trx, run: { readonly id: RunId; readonly attempt: number }) =>
  db
    .selectFrom('steps')
    .select(['step', 'name', 'kind', 'state'])
    .where(ofAttempt('steps', run))
    .where(sql<boolean>`state <> 'queued'`)
    .orderBy('step')
    .execute()
export type UsedStep = Awaited<ReturnType<typeof usedSteps>>[number]

/** The images that the file names for the job and its steps, as it writes them. */
export function imagesOf(definition: Pipeline | null, name: string): readonly string[] {
  const job = definition?.jobs.find((each) => each.name === name)
  if (!job) return []
  return [...new Set([job.image, ...stepImages(job)].filter((image) => image !== null))]
}

const stepImages = (job: Job) => stepsIn(job).map((step) => ('image' in step ? step.image : null))
