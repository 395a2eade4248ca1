import type { RepositoryId, RunId } from '#pipelines/ids.ts'
import { putsOf } from '#pipelines/plan/edges.ts'
import { sameSecret } from '../access/derive.ts'
import { definitionIn } from '../catalog/definitions.ts'
import type { Db } from '../db/connect.ts'

/** What the lease of a running run opens of a repository. */
export type Opening = { readonly reads: boolean; readonly writes: boolean }

/**
 * A runner reads what its run was created from, and writes where the run's job puts. What a pull request brings may write nowhere,
 * whatever its file says.
 *
 * @returns Null where the run is over, or the lease is not its own.
 */
export async function leaseOpens(
  db: Db,
  { run: id, token, repository }: { run: number; token: string; repository: RepositoryId },
): Promise<Opening | null> {
  const run = await db
    .selectFrom('runs')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .innerJoin('lanes', 'lanes.id', 'runs.lane_id')
    .select(['runs.lease_token', 'runs.revision_id', 'jobs.name as job', 'jobs.pipeline_id', 'lanes.kind'])
    .where('runs.id', '=', id as RunId)
    .where('runs.state', '=', 'running')
    .executeTakeFirst()
  if (!run?.lease_token || !sameSecret(run.lease_token, token)) return null
  const here = await db
    .selectFrom('resources')
    .leftJoin('run_inputs', (join) =>
      join.onRef('run_inputs.resource_id', '=', 'resources.id').on('run_inputs.run_id', '=', id as RunId),
    )
    .select(['resources.name', 'run_inputs.run_id as taken'])
    .where('resources.pipeline_id', '=', run.pipeline_id)
    .where('resources.repository_id', '=', repository)
    .execute()
  const revision = await definitionIn(db, run.revision_id)
  const job = revision?.definition.jobs.find((each) => each.name === run.job)
  const puts = new Set(job && run.kind !== 'pull_request' ? putsOf(job) : [])
  const writes = here.some(({ name }) => puts.has(name))
  return { reads: writes || here.some(({ taken }) => taken !== null), writes }
}
