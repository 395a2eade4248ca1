import { sql } from 'kysely'
import type { LaneId, PipelineId, VersionId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import type { Db } from '../db/connect.ts'
import type { VersionBody } from '../db/schema.ts'

type At = {
  readonly pipeline: { readonly id: PipelineId; readonly default_branch: string }
  readonly lane: LaneId
  readonly definition: Pipeline
}

export type NewestVersion = {
  readonly id: VersionId
  readonly seq: number
  readonly name: string
  readonly body: VersionBody
  readonly created_at: Date
  readonly forced: boolean
}
export type NewestVersions = ReadonlyMap<string, NewestVersion>

/** The resources whose versions a line takes from the default branch's lane, on whichever lane it runs. */
export const sharedResources = (definition: Pipeline): readonly string[] => [
  ...new Set(
    [...edgesOf(definition).jobs.values()]
      .flatMap((job) => job.inputs)
      .filter((input) => input.shared)
      .map((input) => input.resource),
  ),
]

/** The newest version of each resource that jobs may take: of what comes from outside, the default branch's lane has it. */
export async function newestVersions(db: Db, { pipeline, lane, definition }: At): Promise<NewestVersions> {
  const shared = sharedResources(definition)
  const { rows } = await sql<NewestVersion & { resource: string }>`
    select resources.name as resource, newest.* from resources
    cross join lateral (
      select id, seq, name, body, created_at, forced from versions
      where resource_id = resources.id and disabled_at is null and left_at is null
        and lane_id = case when resources.name = any(${shared}::text[]) then coalesce((
          select id from lanes where pipeline_id = ${pipeline.id} and name = ${laneOfBranch(pipeline.default_branch)}
        ), ${lane}) else ${lane} end
      order by seq desc limit 1
    ) newest
    where resources.pipeline_id = ${pipeline.id}`.execute(db)
  return new Map(rows.map(({ resource, ...version }) => [resource, version]))
}
