import { sql } from 'kysely'
import type {
  HandoverId,
  JobId,
  LaneId,
  ProjectId,
  ResourceId,
  RevisionId,
  RunId,
  UserId,
  VersionId,
} from '#pipelines/ids.ts'
import { labelSet } from '#pipelines/labels.ts'
import { interpolate, type Values } from '#pipelines/language/expression/interpolate.ts'
import type { Leg } from '#pipelines/plan/matrix.ts'
import { valuesOf } from '#pipelines/plan/values.ts'
import type { Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import type { Tx } from '../db/transact.ts'
import { holdAtFirst } from './holds.ts'
import type { RunRules } from './rules.ts'

export type NewRun = {
  readonly projectId: ProjectId
  readonly project: string
  readonly pipeline: string
  readonly lane: string
  readonly job: string
  readonly jobId: JobId
  readonly laneId: LaneId
  readonly revisionId: RevisionId
  readonly reason: string
  /** The planner made it and it is the newest set taken: such runs say how far the job got on its lane. */
  readonly advances: boolean
  readonly retryOf: RunId | null
  readonly createdBy: UserId | null
  /** In declaration order. */
  readonly inputs: readonly { resourceId: ResourceId; versionId: VersionId; via: readonly RunId[] }[]
  /** For each need the run that satisfied it. */
  readonly upstreams: readonly { readonly jobId: JobId; readonly runId: RunId }[]
  readonly rules: RunRules
  /** The values of one run of a matrix, and the first run of it; this run is the first one where there is none yet. */
  readonly leg: { readonly values: Leg; readonly batch: RunId | null } | null
  /** What a person filled in. */
  readonly given: Readonly<Record<string, string>> | null
  /** How long its container is kept if it fails; not at all where nobody asked. */
  readonly holdMs?: number
  /** What an earlier run left, and the step that comes next; its job's beginning where nothing is said. */
  readonly from?: BeginsWith | null
}

export type BeginsWith = { readonly handover: HandoverId; readonly position: number }

/** A run, queued, with its exact inputs: from here on they are frozen. */
export async function createRun(tx: Tx, run: NewRun): Promise<RunId> {
  const id = await insertRun(tx.db, run)
  await freezeInputs(tx.db, id, run.inputs)
  await freezeNeeds(tx.db, id, run.upstreams)
  const { project, pipeline, lane, job } = run
  tx.emit({ kind: 'run.moved', project, pipeline, lane, job, run: id, from: null, to: 'queued' })
  const batch = run.leg && (run.leg.batch ?? id)
  if (run.leg && run.leg.batch === null) await beginBatch(tx.db, id)
  await holdAtFirst(tx, { ...run, id, batch })
  return id
}

async function insertRun(db: Trx, run: NewRun): Promise<RunId> {
  const { start, priority, group, environment, attempts, allowFailure, gate } = run.rules
  const { id } = await db
    .insertInto('runs')
    .values((eb) => ({
      job_id: run.jobId,
      lane_id: run.laneId,
      revision_id: run.revisionId,
      number: sql<number>`coalesce((${eb
        .selectFrom('runs')
        .select((max) => max.fn.max('number').as('number'))
        .where('job_id', '=', run.jobId)}), 0) + 1`,
      reason: run.reason,
      advances: run.advances,
      retry_of: run.retryOf,
      created_by: run.createdBy,
      start,
      priority,
      due_at: sql<Date>`clock_timestamp() - ${priority} * interval '1 minute'`,
      group_key: group && group.key,
      group_limit: group && group.limit,
      environment,
      matrix: run.leg && toJson(run.leg.values),
      batch_id: run.leg && run.leg.batch,
      given: run.given && toJson(run.given),
      project_id: run.projectId,
      runs_on: labelsOf(run),
      attempts_most: attempts,
      allow_failure: allowFailure,
      hold_ms: run.holdMs ?? 0,
      gate_step: gate,
      ...(run.from ? { handover_id: run.from.handover, position: run.from.position } : {}),
    }))
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** The labels that this very run asks for: each leg of a matrix may ask for another machine. */
const labelsOf = ({ rules, leg, given }: NewRun): string[] =>
  labelsWith(rules.runsOn, valuesOf({ takt: {}, inputs: [], matrix: leg && leg.values, given }))

/** Labels with values put in; one that asks for a value that is not there yet stays as it is written. */
export const labelsWith = (runsOn: readonly string[], values: Values): string[] =>
  labelSet(
    runsOn.map((label) => {
      const put = interpolate(label, values)
      return 'text' in put ? put.text : label
    }),
  )

const beginBatch = (db: Trx, id: RunId) =>
  db.updateTable('runs').set({ batch_id: id }).where('id', '=', id).execute()

async function freezeInputs(db: Trx, id: RunId, inputs: NewRun['inputs']): Promise<void> {
  if (inputs.length === 0) return
  await db
    .insertInto('run_inputs')
    .values(
      inputs.map(({ resourceId, versionId }, position) => ({
        run_id: id,
        position,
        resource_id: resourceId,
        version_id: versionId,
      })),
    )
    .execute()
  const via = inputs.flatMap((input, position) =>
    input.via.map((upstream_id) => ({ run_id: id, position, upstream_id })),
  )
  if (via.length > 0) await db.insertInto('run_input_via').values(via).execute()
}

async function freezeNeeds(db: Trx, id: RunId, upstreams: NewRun['upstreams']): Promise<void> {
  if (upstreams.length === 0) return
  await db
    .insertInto('run_needs')
    .values(upstreams.map(({ jobId, runId }) => ({ run_id: id, job_id: jobId, upstream_id: runId })))
    .execute()
}

/**
 * One at a time may number a job's runs: the job's row is the queue ticket. It comes first: who holds it may lock several runs of
 * the job; without it one at most, and the job no more.
 */
export const lockJob = (db: Trx, job: JobId) =>
  db
    .selectFrom('jobs')
    .select(['id', 'name', 'pipeline_id'])
    .where('id', '=', job)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow()
