import { sql } from 'kysely'
import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import type { PipelineId, ProjectId, ResourceId } from '#pipelines/ids.ts'
import { definitionOf } from '../catalog/definitions.ts'
import { lockLane } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker, type Worker } from '../events/worker.ts'
import { busyWith } from './busy.ts'
import { makeTime } from './firings.ts'

/** Times that wait for the run of the one before are let go when it has ended: by whichever server hears of it first. */
export const startReleasing = (db: Db, loop: { hints: Pick<Hints, 'on'>; sweepMs: number }): Worker =>
  startWorker('schedules', async () => releaseWaiting(db), loop)

type Waiting = {
  readonly resource: ResourceId
  readonly name: string
  readonly pipelineId: PipelineId
  readonly pipeline: string
  readonly projectId: ProjectId
  readonly project: string
  readonly branch: string
}

/** @returns False: what is let go now ends later, and that is told. */
export async function releaseWaiting(db: Db): Promise<false> {
  for (const each of await waitingOf(db)) await transact(db, async (tx) => release(tx, each))
  return false
}

const waitingOf = (db: Db): Promise<Waiting[]> =>
  db
    .selectFrom('resources')
    .innerJoin('pipelines', 'pipelines.id', 'resources.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .select(['resources.id as resource', 'resources.name', 'pipelines.id as pipelineId'])
    .select(['pipelines.name as pipeline', 'projects.id as projectId', 'projects.name as project'])
    .select('repositories.default_branch as branch')
    .where('resources.id', 'in', (eb) =>
      eb.selectFrom('firings').select('resource_id').where('fate', '=', 'waiting'),
    )
    .orderBy('resources.id')
    .execute()

async function release(tx: Tx, { resource, name, ...place }: Waiting): Promise<void> {
  const { project, pipeline } = place
  const lane = laneOfBranch(place.branch)
  const locked = await lockLane(tx.db, place.projectId, { pipeline, lane })
  const current = locked && (await definitionOf(tx.db, locked.id))
  if (!locked || !current) return
  const at = { project, pipeline, lane, pipelineId: place.pipelineId, laneId: locked.id, ...current }
  const inForce = current.definition.resources.find((each) => each.name === name)
  if (inForce?.kind !== 'time') return giveUp(tx, resource)
  if (await busyWith(tx, at, name)) return
  const first = await tx.db
    .selectFrom('firings')
    .select(['id', 'due_at', sql<Date>`clock_timestamp()`.as('now')])
    .where('resource_id', '=', resource)
    .where('fate', '=', 'waiting')
    .orderBy('due_at')
    .limit(1)
    .forUpdate()
    .executeTakeFirst()
  if (!first) return
  const [dueMs, nowMs] = [first.due_at.getTime(), first.now.getTime()]
  await makeTime(tx, at, { id: first.id, name, dueMs, nowMs })
}

async function giveUp(tx: Tx, resource: ResourceId): Promise<void> {
  await tx.db
    .updateTable('firings')
    .set({ fate: 'skipped', reason: 'the file has no such schedule any more' })
    .where('resource_id', '=', resource)
    .where('fate', '=', 'waiting')
    .execute()
}
