import { sql } from 'kysely'
import type { z } from 'zod'
import type { LaneId, PipelineId } from '#pipelines/ids.ts'
import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import type { Db } from '../db/connect.ts'
import type { Pin } from './shapes.ts'

type At = {
  readonly pipeline: { readonly id: PipelineId; readonly default_branch: string }
  readonly lane: LaneId
  /** Resources whose versions come from the default branch's lane. */
  readonly shared: readonly string[]
}
type Told = z.output<typeof Pin>

/** The one version that jobs on a lane take, of each resource that a person pinned there: a lane's own pin goes before a shared one. */
export async function pinsIn(db: Db, { pipeline, lane, shared }: At): Promise<ReadonlyMap<string, Told>> {
  const { rows } = await sql<Omit<Told, 'at'> & { resource: string; pinned_at: Date }>`
    select distinct on (resources.name) resources.name as resource, versions.name as version, users.name as by,
      pins.reason, pins.pinned_at
    from pins join resources on resources.id = pins.resource_id join versions on versions.id = pins.version_id
      left join users on users.id = pins.pinned_by
    where resources.pipeline_id = ${pipeline.id} and (pins.lane_id = ${lane}
      or resources.name = any(${shared}::text[]) and pins.lane_id = (
        select id from lanes where pipeline_id = ${pipeline.id} and name = ${laneOfBranch(pipeline.default_branch)}))
    order by resources.name, pins.lane_id = ${lane} desc`.execute(db)
  return new Map(
    rows.map(({ resource, pinned_at, ...pin }) => [resource, { ...pin, at: pinned_at.toISOString() }]),
  )
}
