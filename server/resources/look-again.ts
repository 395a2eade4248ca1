import { sql } from 'kysely'
import type { LaneId, PipelineId, RevisionId, VersionId } from '#pipelines/ids.ts'
import { edgesOf, type InputEdge, type JobEdges } from '#pipelines/plan/edges.ts'
import { definitionIn } from '../catalog/definitions.ts'
import { markDirty } from '../catalog/dirty.ts'
import { defaultLane, namedJobs, openLanes } from '../catalog/queries.ts'
import { addTriggers } from '../catalog/triggers.ts'
import type { Trx } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'

/** @throws {Problem} `version-not-found`. */
export async function versionAt(db: Trx, id: VersionId) {
  const version = await db
    .selectFrom('versions')
    .innerJoin('resources', 'resources.id', 'versions.resource_id')
    .select(['versions.name', 'versions.lane_id', 'versions.resource_id', 'resources.name as resource'])
    .where('versions.id', '=', id)
    .executeTakeFirst()
  if (!version) throw new Problem('version-not-found', `there is no version ${id}`)
  return version
}

type At = { readonly resource: string; readonly lane: LaneId }

/**
 * A person has decided what may be taken of a resource: the jobs on the lane that consume it look again, but for those that nothing
 * starts but a person. What is decided on the default branch's lane of what comes from outside counts on every lane that is open.
 */
export async function lookAgain(tx: Tx, { resource, lane }: At, words: string): Promise<void> {
  const { pipeline, revision, isDefault } = await laneRow(tx.db, lane)
  const here = await consumers(tx.db, revision, resource)
  await wake(tx, { pipeline, lane, words }, here)
  if (!isDefault) return
  for (const other of await openLanes(tx.db, pipeline)) {
    if (other.id === lane) continue
    const readers = (await consumers(tx.db, other.revision_id, resource)).filter(({ input }) => input.shared)
    const starts = ({ input }: Consumer) => input.get?.trigger ?? false
    await wake(
      tx,
      { pipeline, lane: other.id, words },
      readers.filter((each) => !starts(each)),
    )
    // Its versions start a job on the default branch's lane alone; elsewhere they are only what another trigger lacked.
    const ids = await namedJobs(tx.db, pipeline, readers.filter(starts).map(nameOf))
    markDirty(tx, other.id, [...ids.values()])
  }
}

const laneRow = (db: Trx, id: LaneId) =>
  db
    .selectFrom('lanes')
    .innerJoin('pipelines', 'pipelines.id', 'lanes.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('repositories', 'repositories.id', 'projects.repository_id')
    .select([
      'pipelines.id as pipeline',
      'lanes.revision_id as revision',
      sql<boolean>`lanes.name = ${defaultLane}`.as('isDefault'),
    ])
    .where('lanes.id', '=', id)
    .executeTakeFirstOrThrow()

type Consumer = Pick<JobEdges, 'job'> & { readonly input: InputEdge }
const nameOf = ({ job }: Consumer) => job.name

/** The jobs of a file that consume a resource and are started by something. */
async function consumers(db: Trx, revision: RevisionId | null, resource: string): Promise<Consumer[]> {
  const current = revision === null ? undefined : await definitionIn(db, revision)
  const jobs = current ? [...edgesOf(current.definition).jobs.values()] : []
  return jobs.flatMap(({ job, inputs, needs }) => {
    const input = inputs.find((each) => each.resource === resource)
    const isStarted = needs.some((need) => need.trigger) || inputs.some((each) => each.get?.trigger)
    return input && isStarted ? [{ job, input }] : []
  })
}

type Place = { readonly pipeline: PipelineId; readonly lane: LaneId; readonly words: string }

async function wake(tx: Tx, { pipeline, lane, words }: Place, found: readonly Consumer[]): Promise<void> {
  const jobs = await namedJobs(tx.db, pipeline, found.map(nameOf))
  await addTriggers(
    tx,
    [...jobs.values()].map((job) => ({ kind: 'changed', job, lane, words })),
  )
}
