import type { LaneId, PipelineId, RunId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'
import type { FieldsBody, VersionBody } from '../db/schema.ts'

/** A version that is there, as the next one is made from it. */
export type Standing = { readonly name: string; readonly body: VersionBody }
export type At = { readonly pipeline: PipelineId; readonly lane: LaneId; readonly resource: string }

const versionsAt = (db: Trx, { pipeline, lane, resource }: At) =>
  db
    .selectFrom('versions')
    .innerJoin('resources', 'resources.id', 'versions.resource_id')
    .select(['versions.name', 'versions.body'])
    .where('resources.pipeline_id', '=', pipeline)
    .where('resources.name', '=', resource)
    .where('versions.lane_id', '=', lane)

/** The newest version of a resource on a lane; undefined while there is none. */
export const newestOnLane = (db: Trx, at: At): Promise<Standing | undefined> =>
  versionsAt(db, at).orderBy('versions.seq', 'desc').limit(1).executeTakeFirst()

/** The version of a resource that a run has put; undefined where it put none yet. */
export const putBefore = (db: Trx, run: RunId, at: At): Promise<Standing | undefined> =>
  versionsAt(db, at)
    .innerJoin('run_outputs', 'run_outputs.version_id', 'versions.id')
    .where('run_outputs.run_id', '=', run)
    .executeTakeFirst()

/** Versions without a name of their own are counted. */
export const countedOn = (newest: Standing | undefined): string =>
  String((newest && /^\d{1,15}$/.test(newest.name) ? Number(newest.name) : 0) + 1)

export const bodyOf = (newest: Standing | undefined): FieldsBody =>
  newest && 'fields' in newest.body ? newest.body : { fields: {} }

/** Whether a resource has a version of this name on a lane. */
export const hasName = async (db: Trx, at: At, name: string): Promise<boolean> =>
  (await versionsAt(db, at).where('versions.name', '=', name).limit(1).executeTakeFirst()) !== undefined
