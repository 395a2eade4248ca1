import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import type { PipelineId, ProjectId, ResourceId } from '#pipelines/ids.ts'
import { definitionOf } from '../catalog/definitions.ts'
import { lockLane } from '../catalog/queries.ts'
import type { Db, Trx } from '../db/connect.ts'
import { thePipeline } from '../lines/the-place.ts'
import { Problem } from '../problem.ts'
import type { LaneNow } from '../resources/commit.ts'

export type Place = {
  readonly resource: ResourceId
  readonly name: string
  readonly project: string
  readonly projectId: ProjectId
  readonly pipeline: string
  readonly pipelineId: PipelineId
  readonly lane: string
}

type Named = { readonly project: string; readonly pipeline: string; readonly schedule: string }

/** @throws {Problem} `pipeline-not-found`, or `schedule-not-found` also where a file had it and has it no more. */
export async function theSchedule(db: Db, { project, pipeline, schedule }: Named): Promise<Place> {
  const found = await thePipeline(db, project, pipeline)
  const row = await db
    .selectFrom('resources')
    .innerJoin('checks', 'checks.id', 'resources.check_id')
    .select(['resources.id', 'resources.name'])
    .where('resources.pipeline_id', '=', found.id)
    .where('resources.name', '=', schedule)
    .where('checks.kind', '=', 'time')
    .executeTakeFirst()
  if (!row)
    throw new Problem(
      'schedule-not-found',
      `no \`time\` resource \`${schedule}\` is in force in ${project}/${pipeline}: a job on the default branch must get it`,
    )
  return {
    ...{ resource: row.id, name: row.name, project, projectId: found.project_id, pipeline },
    ...{ pipelineId: found.id, lane: laneOfBranch(found.default_branch) },
  }
}

/** The default branch's lane with its row locked, and the file in force on it. @throws {Problem} `lane-not-found`. */
export async function laneOfSchedule(trx: Trx, place: Place): Promise<LaneNow> {
  const { project, pipeline, lane, pipelineId } = place
  const locked = await lockLane(trx, place.projectId, { pipeline, lane })
  const current = locked && (await definitionOf(trx, locked.id))
  if (!locked || !current) throw new Problem('lane-not-found', `there is no good file on \`${lane}\` yet`)
  return { project, pipeline, lane, pipelineId, laneId: locked.id, definition: current.definition }
}
