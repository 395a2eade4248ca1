import { sql } from 'kysely'
import type { RunId, RunnerId } from '#pipelines/ids.ts'
import { dependentsOf } from '#pipelines/plan/graph.ts'
import { after, isFinal, type RunMove, type RunState } from '#pipelines/states.ts'
import type { RunError } from '#pipelines/wire/runner.ts'
import { definitionOf, jobIds, markDirty } from '../catalog/queries.ts'
import type { Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import { inMs, type Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'

export type Lease = { readonly runner: RunnerId; readonly token: string; readonly leaseMs: number }

/** To start a run is to lease it to a runner; every other move ends the lease, and some say why. */
export type Move =
  | { readonly move: 'start'; readonly lease: Lease }
  | { readonly move: 'break' | 'fail'; readonly error: RunError | null }
  | { readonly move: Exclude<RunMove, 'start' | 'break' | 'fail'> }

/**
 * Make one move of the state table, announce it, and wake the jobs that wait for it.
 *
 * The only function that writes `runs.state`. The row is locked, so of two moves at once the second one sees the first.
 *
 * @throws {Problem} `run-not-found`, or `illegal-move` when its state knows no such move.
 */
export async function moveRun(tx: Tx, id: RunId, move: Move): Promise<RunState> {
  const run = await lockRun(tx.db, id)
  const to = after(run.state, move.move)
  if (to === null)
    throw new Problem('illegal-move', `run ${id} is ${run.state}; it cannot ${move.move}`, {
      state: run.state,
    })
  const lease = move.move === 'start' ? move.lease : null
  await tx.db
    .updateTable('runs')
    .set({
      state: to,
      runner_id: lease ? lease.runner : undefined,
      lease_token: lease && lease.token,
      lease_until: lease && inMs(lease.leaseMs),
      started_at: lease ? sql<Date>`now()` : undefined,
      ended_at: isFinal(to) ? sql<Date>`now()` : null,
      error: 'error' in move && move.error ? toJson(move.error) : undefined,
      ...(move.move === 'lose' ? { attempt: sql<number>`attempt + 1`, heard_seq: 0 } : {}),
    })
    .where('id', '=', id)
    .execute()
  if (run.state === 'running') await closeSteps(tx.db, { id, attempt: run.attempt, to })
  if (to === 'succeeded') await notePassed(tx.db, run)
  if (isFinal(to)) await wakeDependents(tx.db, run)
  const { project, pipeline, lane, job, state: from } = run
  tx.emit({ kind: 'run.moved', project, pipeline, lane, job, run: id, from, to })
  return to
}

/** A run with the names of its place, locked until the transaction ends. */
export async function lockRun(db: Trx, id: RunId) {
  const run = await db
    .selectFrom('runs')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .innerJoin('lanes', 'lanes.id', 'runs.lane_id')
    .innerJoin('pipelines', 'pipelines.id', 'jobs.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .select([
      'runs.id',
      'runs.state',
      'runs.attempt',
      'runs.job_id',
      'runs.lane_id',
      'runs.lease_token',
      'runs.runner_id',
      'runs.heard_seq',
      'runs.cancel_at',
      'runs.cancel_reason',
      'jobs.name as job',
      'lanes.name as lane',
      'pipelines.id as pipeline_id',
      'pipelines.name as pipeline',
      'projects.name as project',
    ])
    .where('runs.id', '=', id)
    // Not for key changes: who refers to the run meanwhile, as the scheduler does, need not wait.
    .forNoKeyUpdate('runs')
    .executeTakeFirst()
  if (!run) throw new Problem('run-not-found', `there is no run ${id}`)
  return run
}
export type LockedRun = Awaited<ReturnType<typeof lockRun>>

/** Nothing of a run that stopped is still running: what was under way shares its fate, what was not reached is skipped. */
async function closeSteps(
  db: Trx,
  { id, attempt, to }: { id: RunId; attempt: number; to: RunState },
): Promise<void> {
  const fate =
    to === 'cancelled'
      ? 'cancelled'
      : to === 'succeeded'
        ? 'succeeded'
        : to === 'failed'
          ? 'failed'
          : 'errored'
  for (const table of ['steps', 'commands'] as const) {
    const open = db.updateTable(table).where('run_id', '=', id).where('attempt', '=', attempt)
    await open
      .set({ state: fate, ended_at: sql<Date>`now()` })
      .where('state', '=', 'running')
      .execute()
    await open.set({ state: 'skipped' }).where('state', '=', 'queued').execute()
  }
}

async function notePassed(db: Trx, run: LockedRun): Promise<void> {
  await db.insertInto('passed').values({ job_id: run.job_id, lane_id: run.lane_id, run_id: run.id }).execute()
}

/** Whoever needs this job has something to look at: a version that passed, or a new reason to wait. */
async function wakeDependents(db: Trx, run: LockedRun): Promise<void> {
  const current = await definitionOf(db, run.lane_id)
  if (!current) return
  const dependents = dependentsOf(current.definition, run.job)
  await markDirty(db, run.lane_id, await jobIds(db, run.pipeline_id, dependents))
}
