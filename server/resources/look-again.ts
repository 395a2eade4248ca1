import type { LaneId, VersionId } from '#pipelines/ids.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { definitionOf } from '../catalog/definitions.ts'
import { namedJobs } from '../catalog/queries.ts'
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
 * starts but a person.
 */
export async function lookAgain(tx: Tx, { resource, lane }: At, words: string): Promise<void> {
  const current = await definitionOf(tx.db, lane)
  if (!current) return
  const concerned = [...edgesOf(current.definition).jobs.values()].filter(
    ({ inputs, needs }) =>
      inputs.some((input) => input.resource === resource) &&
      (needs.some((need) => need.trigger) || inputs.some((input) => input.get?.trigger)),
  )
  const { pipeline_id } = await tx.db
    .selectFrom('lanes')
    .select('pipeline_id')
    .where('id', '=', lane)
    .executeTakeFirstOrThrow()
  const names = concerned.map(({ job }) => job.name)
  const jobs = await namedJobs(tx.db, pipeline_id, names)
  await addTriggers(
    tx,
    [...jobs.values()].map((job) => ({ kind: 'changed', job, lane, words })),
  )
}
