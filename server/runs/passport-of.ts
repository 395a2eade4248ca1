import type { Job } from '#pipelines/language/pipeline.ts'
import type { InputFacts } from '#pipelines/plan/compile-facts.ts'
import type { Trx } from '../db/connect.ts'
import type { Passport } from '../secrets/id-token.ts'
import type { LockedRun } from './lock-run.ts'

type Known = { readonly job: Job; readonly inputs: readonly InputFacts[] }

/** Who a run is, for those who are shown its token. */
export async function passportOf(db: Trx, run: LockedRun, { job, inputs }: Known): Promise<Passport> {
  const { organization } = await db
    .selectFrom('projects')
    .innerJoin('organizations', 'organizations.id', 'projects.organization_id')
    .select('organizations.name as organization')
    .where('projects.id', '=', run.project_id)
    .executeTakeFirstOrThrow()
  const commit = inputs.find(({ checkout }) => checkout !== null)
  return {
    ...{ project: run.project, organization, pipeline: run.pipeline, job: job.name, lane: run.lane },
    ...{ ref: commit?.checkout?.ref ?? null, sha: commit?.version ?? null },
    ...{ run: run.id, attempt: run.attempt, environment: job.environment },
  }
}
