import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import { definitionOf } from '../catalog/definitions.ts'
import { findProject, lockLane } from '../catalog/queries.ts'
import type { Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import type { LaneNow } from './commit.ts'

type Where = { readonly project: string; readonly pipeline: string; readonly lane?: string | undefined }

/**
 * A lane with its row locked, and the file in force on it; without a name the default branch's. Null where there is no such lane, or
 * no good file on it yet.
 *
 * @throws {Problem} `project-not-found`.
 */
export async function laneNow(tx: Tx, { project, pipeline, lane: wanted }: Where): Promise<LaneNow | null> {
  const found = await findProject(tx.db, project)
  if (!found) throw new Problem('project-not-found', `there is no project \`${project}\``)
  const lane = wanted ?? laneOfBranch(found.default_branch)
  const locked = await lockLane(tx.db, found.id, { pipeline, lane })
  const current = locked && (await definitionOf(tx.db, locked.id))
  if (!current) return null
  return {
    project,
    pipeline,
    lane,
    pipelineId: locked.pipeline_id,
    laneId: locked.id,
    definition: current.definition,
  }
}
