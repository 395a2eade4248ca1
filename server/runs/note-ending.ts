import { sql } from 'kysely'
import type { EndingId, JobId, RunId } from '#pipelines/ids.ts'
import type { Edges } from '#pipelines/plan/edges.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import type { How } from '#pipelines/plan/facts.ts'
import { isFinal, type RunState } from '#pipelines/states.ts'
import { definitionOf } from '../catalog/definitions.ts'
import { markDirty } from '../catalog/dirty.ts'
import { namedJobs } from '../catalog/queries.ts'
import { addTriggers } from '../catalog/triggers.ts'
import type { Trx } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'
import { lockHolds } from './hold-rows.ts'
import type { LockedRun } from './lock-run.ts'
import { noteFollowed } from './note-followed.ts'
import { strictBelow } from './strict.ts'

type Final = { readonly state: RunState; readonly allow_failure: boolean }

/** How a run that is final ended, as edges ask for it: what was passed through counts as success, and so does a failure that may be. */
export function howOf({ state, allow_failure }: Final): How {
  if (state === 'succeeded' || state === 'skipped') return 'success'
  if (state !== 'failed') return 'other'
  return allow_failure ? 'success' : 'failure'
}

/** A matrix succeeds with all its legs. */
export function howTogether(legs: readonly Final[]): How {
  const ends = legs.map(howOf)
  return ends.includes('failure') ? 'failure' : ends.includes('other') ? 'other' : 'success'
}

/**
 * A run has ended: what it vouches for is written down, the jobs that this starts are told, and those that wait for everything
 * upstream to be final look again. A matrix ends with its last leg.
 */
export async function noteEnding(tx: Tx, run: LockedRun, to: RunState): Promise<void> {
  const current = await definitionOf(tx.db, run.lane_id)
  const edges = current ? edgesOf(current.definition) : null
  const how = howOf({ state: to, allow_failure: run.allow_failure })
  if (run.batch_id === null) await writeEnding(tx, run, { how, edges })
  else tx.atEnd(`1 end of matrix ${run.batch_id}`, () => endBatch(tx, run, edges))
  if (!edges) return
  // Whatever they wait for at this moment: what they will have seen of this run is not known here.
  const waiting = strictBelow(edges, run.job)
  const stopped = run.batch_id !== null && how !== 'success' ? [run.job_id] : []
  markDirty(tx, run.lane_id, [...(await idsOf(tx.db, run, waiting)), ...stopped])
}

const idsOf = async (db: Trx, run: LockedRun, names: readonly string[]): Promise<JobId[]> => [
  ...(await namedJobs(db, run.pipeline_id, names)).values(),
]

/** Of two legs that end at once, the second one is the last. */
async function endBatch(tx: Tx, run: LockedRun, edges: Edges | null): Promise<void> {
  if (run.batch_id === null) return
  await lockHolds(tx.db, run.project_id)
  const legs = await newestLegs(tx.db, run.batch_id)
  if (legs.some(({ state }) => !isFinal(state))) return
  await writeEnding(tx, run, { how: howTogether(legs), edges })
}

/** The run that counts of each leg: a retry stands for what it retries. */
export const newestLegs = (db: Trx, batch: RunId) =>
  db
    .selectFrom('runs')
    .distinctOn('matrix')
    .select(['id', 'state', 'allow_failure'])
    .where('batch_id', '=', batch)
    .orderBy('matrix')
    .orderBy('id', 'desc')
    .execute()

type Ended = { readonly how: How; readonly edges: Edges | null }

async function writeEnding(tx: Tx, run: LockedRun, { how, edges }: Ended): Promise<void> {
  const ending = await insertEnding(tx.db, run, how)
  if (how === 'success') await noteFollowed(tx.db, run, ending)
  const dependents = (edges?.startedByEnding.get(run.job) ?? []).filter((name) => {
    const on = edges?.jobs.get(name)?.needs.find((need) => need.job === run.job)?.on ?? []
    return on.some((wanted) => wanted === 'finish' || wanted === how)
  })
  // A trigger of theirs may lack just this: that it starts nothing does not mean that nobody waits for it.
  markDirty(tx, run.lane_id, await idsOf(tx.db, run, edges?.suppliedByEnding.get(run.job) ?? []))
  const jobs = await idsOf(tx.db, run, dependents)
  await addTriggers(
    tx,
    jobs.map((job) => ({ kind: 'ending', job, lane: run.lane_id, upstream: run.job, ending })),
  )
}

/** The ending vouches for what the run was created with, and for what it put in its place. */
async function insertEnding(db: Trx, run: LockedRun, how: How): Promise<EndingId> {
  const { id } = await db
    .insertInto('endings')
    .values({ job_id: run.job_id, lane_id: run.lane_id, run_id: run.id, how })
    .returning('id')
    .executeTakeFirstOrThrow()
  const legs =
    run.batch_id === null
      ? sql`select ${run.id}::bigint`
      : sql`select id from runs where batch_id = ${run.batch_id}`
  await sql`
    insert into ending_versions (job_id, lane_id, version_id, ending_id, resource_id)
    select ${run.job_id}, ${run.lane_id}, version_id, ${id}, resource_id from (
      select distinct on (resource_id) resource_id, version_id from (
        select resource_id, version_id, false as put, run_id from run_inputs where run_id = ${run.id}
        union all
        select resource_id, version_id, true, run_id from run_outputs where run_id in (${legs})
      ) held order by resource_id, put desc, run_id desc
    ) vouched`.execute(db)
  return id
}
