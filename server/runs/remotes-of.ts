import type { PipelineId } from '#pipelines/ids.ts'
import type { Job } from '#pipelines/language/pipeline.ts'
import type { CompileFacts } from '#pipelines/plan/compile-facts.ts'
import { putsOf } from '#pipelines/plan/edges.ts'
import { ofProject } from '../catalog/queries.ts'
import type { Trx } from '../db/connect.ts'
import type { Opened, RepositoryOf } from './plan-of.ts'

type Of = { readonly pipeline: PipelineId; readonly job: Job }

/** Where the git resources that a job puts are pushed to. */
export async function remotesOf(
  db: Trx,
  { pipeline, job }: Of,
  checkoutOf: (repository: RepositoryOf) => Opened,
): Promise<CompileFacts['remotes']> {
  const names = putsOf(job)
  if (names.length === 0) return new Map()
  const rows = await db
    .selectFrom('resources')
    .innerJoin('repositories', 'repositories.id', 'resources.repository_id')
    .select(['resources.name', 'repositories.kind', 'repositories.url', ofProject.as('ofProject')])
    .where('resources.pipeline_id', '=', pipeline)
    .where('resources.name', 'in', names)
    .execute()
  return new Map(rows.map(({ name, ...repository }) => [name, checkoutOf(repository)]))
}
