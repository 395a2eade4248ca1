import type { CheckId, LaneId, PipelineId, ProjectId, ResourceId } from '#pipelines/ids.ts'
import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import { definitionOf } from '../catalog/definitions.ts'
import { lockLane } from '../catalog/queries.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import type { LaneNow } from '../resources/commit.ts'
import type { Claimed } from './due.ts'

/** A resource that asks, and where what comes from outside lives: on the default branch's lane. */
export type Subject = {
  readonly resource: ResourceId
  readonly name: string
  /** Of a git resource: the one branch it names. */
  readonly branch: string | null
  readonly pipeline_id: PipelineId
  readonly pipeline: string
  readonly project_id: ProjectId
  readonly project: string
  readonly lane: string
}

export async function subjectsOf(db: Db | Trx, check: CheckId): Promise<Subject[]> {
  const rows = await db
    .selectFrom('resources')
    .innerJoin('pipelines', 'pipelines.id', 'resources.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .select([
      'resources.id as resource',
      'resources.name',
      'resources.branch',
      'pipelines.id as pipeline_id',
      'pipelines.name as pipeline',
      'projects.id as project_id',
      'projects.name as project',
      'repositories.default_branch',
    ])
    .where('resources.check_id', '=', check)
    .orderBy('resources.id')
    .execute()
  return rows.map(({ default_branch, ...subject }) => ({ ...subject, lane: laneOfBranch(default_branch) }))
}

/** Whether a resource has a version there: who has none yet is to be told all. */
export async function hasVersion(db: Db | Trx, { resource, pipeline_id, lane }: Subject): Promise<boolean> {
  const found = await db
    .selectFrom('versions')
    .innerJoin('lanes', 'lanes.id', 'versions.lane_id')
    .select('versions.id')
    .where('versions.resource_id', '=', resource)
    .where('lanes.pipeline_id', '=', pipeline_id)
    .where('lanes.name', '=', lane)
    .limit(1)
    .executeTakeFirst()
  return found !== undefined
}

type Here = { readonly tx: Tx; readonly at: LaneNow & { readonly laneId: LaneId } }

/**
 * Write down what a check told, one resource at a time: each in a transaction of its own that holds its lane, so that nobody waits in a
 * circle. Whoever has lost the check meanwhile writes nothing.
 */
export async function withEach(
  db: Db,
  check: Pick<Claimed, 'id' | 'lease'>,
  record: (subject: Subject, here: Here) => Promise<void>,
): Promise<void> {
  for (const subject of await subjectsOf(db, check.id)) {
    await transact(db, async (tx) => {
      const at = await laneNow(tx, subject)
      if (at && (await isHeld(tx.db, check))) await record(subject, { tx, at })
    })
  }
}

/** The lane that a resource's versions live on, its row locked, with the file in force on it. */
export async function laneNow(tx: Tx, subject: Subject): Promise<LaneNow | null> {
  const { project, pipeline, lane } = subject
  const locked = await lockLane(tx.db, subject.project_id, { pipeline, lane })
  const current = locked && (await definitionOf(tx.db, locked.id))
  if (!current) return null
  const place = { project, pipeline, lane, pipelineId: subject.pipeline_id, laneId: locked.id }
  return { ...place, definition: current.definition }
}

async function isHeld(db: Trx, { id, lease }: Pick<Claimed, 'id' | 'lease'>): Promise<boolean> {
  const row = await db
    .selectFrom('checks')
    .select('id')
    .where('id', '=', id)
    .where('lease_token', '=', lease)
    .executeTakeFirst()
  return row !== undefined
}
