import type { PipelineId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import type { Resource } from '#pipelines/language/resource.ts'
import type { Trx } from '../db/connect.ts'

export type Upstream = Extract<Resource, { kind: 'upstream' }>
type At = {
  readonly project: string
  readonly pipeline: string
  readonly pipelineId: PipelineId
  /** The file in force on the default branch; null when there is none any more. */
  readonly definition: Pipeline | null
}

/** Whom a resource follows, by the names of its file. */
export const followedBy = (resource: Upstream, project: string) => ({
  project: resource.project ?? project,
  pipeline: resource.pipeline,
  job: resource.job,
  lanes: [...resource.lanes],
})

/** Jobs of its own a pipeline needs, and follows none. */
export const isOwn = (
  resource: Upstream,
  at: { readonly project: string; readonly pipeline: string },
): boolean => (resource.project ?? at.project) === at.project && resource.pipeline === at.pipeline

/**
 * A file came into force on the default branch: the jobs of other pipelines that it names are followed from now on, beginning with the
 * newest green end of each, and those that it names no more are not. Other branches, and pull requests, follow nobody.
 */
export async function followJobs(db: Trx, at: At): Promise<void> {
  const upstreams = (at.definition?.resources ?? []).flatMap((resource) =>
    resource.kind === 'upstream' && !isOwn(resource, at) ? [resource] : [],
  )
  const rows = await db
    .selectFrom('resources')
    .leftJoin('followed_jobs', 'followed_jobs.resource_id', 'resources.id')
    .select(['resources.id', 'resources.name', 'followed_jobs.resource_id as followed'])
    .select(['followed_jobs.project', 'followed_jobs.pipeline', 'followed_jobs.job', 'followed_jobs.lanes'])
    .where('resources.pipeline_id', '=', at.pipelineId)
    .execute()
  for (const { id, name, followed, ...before } of rows) {
    const upstream = upstreams.find((each) => each.name === name)
    const now = upstream && followedBy(upstream, at.project)
    if (followed !== null && isSame(before, now)) continue
    if (followed !== null) await db.deleteFrom('followed_jobs').where('resource_id', '=', id).execute()
    if (now)
      await db
        .insertInto('followed_jobs')
        .values({ resource_id: id, ...now })
        .execute()
  }
}

type Named = { project: string | null; pipeline: string | null; job: string | null; lanes: string[] | null }

const isSame = (before: Named, now: ReturnType<typeof followedBy> | undefined): boolean =>
  before.project === now?.project &&
  before.pipeline === now?.pipeline &&
  before.job === now?.job &&
  JSON.stringify(before.lanes) === JSON.stringify(now?.lanes)
