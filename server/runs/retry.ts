import type { JobId, RunId, UserId } from '#pipelines/ids.ts'
import type { Job } from '#pipelines/language/pipeline.ts'
import { nextGate } from '#pipelines/plan/parts.ts'
import { isFinal } from '#pipelines/states.ts'
import { definitionIn } from '../catalog/definitions.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { createLegs } from './create-legs.ts'
import { type BeginsWith, createRun, lockJob, type NewRun } from './create-run.ts'
import { lockRun, type LockedRun } from './lock-run.ts'
import { rulesOf } from './rules.ts'

export type Person = { readonly id: UserId; readonly name: string }
/** Who wants a run (somebody without an account here, too), and how long its container shall be kept if it fails. */
export type Wish = Omit<Person, 'id'> & { readonly id: UserId | null; readonly holdMs?: number }

/**
 * Another run of the same job with exactly the same inputs; of a matrix, of the same leg.
 *
 * @throws {Problem} `run-not-found`; `illegal-move` while the run has not ended.
 */
export async function retryRun(db: Db, id: RunId, by: Wish): Promise<RunId> {
  return transact(db, async (tx) => {
    await lockJob(tx.db, await jobOf(tx.db, id))
    const run = await lockRun(tx.db, id)
    if (!isFinal(run.state))
      throw new Problem('illegal-move', `run ${id} is ${run.state}; cancel it or wait for its end`, {
        state: run.state,
      })
    return copyRun(tx, run, { reason: `by ${by.name}`, createdBy: by.id, holdMs: by.holdMs ?? 0 })
  })
}

/** The same, where the line itself wants it: what it had ended goes on after all. */
export async function beginAgain(tx: Tx, id: RunId, reason: string): Promise<RunId> {
  await lockJob(tx.db, await jobOf(tx.db, id))
  return copyRun(tx, await lockRun(tx.db, id), { reason, createdBy: null, holdMs: 0 })
}

/** @throws {Problem} `run-not-found`. */
export async function jobOf(db: Trx, id: RunId): Promise<JobId> {
  const run = await db.selectFrom('runs').select('job_id').where('id', '=', id).executeTakeFirst()
  if (!run) throw new Problem('run-not-found', `there is no run ${id}`)
  return run.job_id
}

type Cause = {
  readonly reason: string
  readonly createdBy: UserId | null
  readonly holdMs: number
  /** What it begins with instead of its job's first step. */
  readonly from?: BeginsWith
}

export async function copyRun(
  tx: Tx,
  run: LockedRun,
  { reason, createdBy, holdMs, from }: Cause,
): Promise<RunId> {
  const { number } = await tx.db
    .selectFrom('runs')
    .select('number')
    .where('id', '=', run.id)
    .executeTakeFirstOrThrow()
  const job = await jobAsItWas(tx.db, run)
  const again: NewRun = {
    projectId: run.project_id,
    project: run.project,
    pipeline: run.pipeline,
    lane: run.lane,
    job: run.job,
    jobId: run.job_id,
    laneId: run.lane_id,
    revisionId: run.revision_id,
    reason: `retry of #${number} ${reason}`,
    advances: false,
    retryOf: run.id,
    createdBy,
    inputs: await frozenInputs(tx.db, run.id),
    upstreams: await frozenNeeds(tx.db, run.id),
    rules: {
      ...rulesOf(run, job, run.start),
      ...(from ? { gate: nextGate(job, { from: 0, position: from.position }) } : {}),
    },
    from: from ?? null,
    leg: run.matrix && { values: run.matrix, batch: run.batch_id },
    given: run.given,
    holdMs,
  }
  // A matrix that was passed through has no legs yet.
  return run.matrix ? createRun(tx, again) : createLegs(tx, job.matrix, again)
}

async function jobAsItWas(db: Trx, run: LockedRun): Promise<Job> {
  const revision = await definitionIn(db, run.revision_id)
  const job = revision?.definition.jobs.find((each) => each.name === run.job)
  if (!job) throw new Error(`the revision of run ${run.id} has no job ${run.job}`)
  return job
}

async function frozenInputs(db: Trx, id: RunId): Promise<NewRun['inputs']> {
  const inputs = await db
    .selectFrom('run_inputs')
    .select(['position', 'resource_id', 'version_id'])
    .where('run_id', '=', id)
    .orderBy('position')
    .execute()
  const via = await db
    .selectFrom('run_input_via')
    .select(['position', 'upstream_id'])
    .where('run_id', '=', id)
    .execute()
  return inputs.map(({ position, resource_id, version_id }) => ({
    resourceId: resource_id,
    versionId: version_id,
    via: via.filter((row) => row.position === position).map((row) => row.upstream_id),
  }))
}

async function frozenNeeds(db: Trx, id: RunId): Promise<NewRun['upstreams']> {
  const needs = await db
    .selectFrom('run_needs')
    .select(['job_id', 'upstream_id'])
    .where('run_id', '=', id)
    .execute()
  return needs.map(({ job_id, upstream_id }) => ({ jobId: job_id, runId: upstream_id }))
}
