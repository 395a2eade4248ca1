import type { JobId, LaneId, RunId } from '#pipelines/ids.ts'
import type { Job } from '#pipelines/language/pipeline.ts'
import type { LaneFact } from '#pipelines/plan/facts.ts'
import type { Tx } from '../db/transact.ts'
import { askToEnd } from './ask.ts'

type Place = { readonly jobId: JobId; readonly laneId: LaneId }
type Superseding = { readonly lane: LaneFact; readonly job: Job; readonly run: RunId }

/** What becomes of older runs when a newer set is taken: pull requests end what runs, whatever else is said nowhere. */
const modeOf = (lane: LaneFact, job: Job) =>
  job.concurrency?.superseded ?? (lane.kind === 'pull_request' ? 'cancel_running' : 'queue')

/** What stands before its first gates has not begun either. */
const NOT_BEGUN = ['queued', 'waiting'] as const

/** A run with newer versions makes older ones of its job on its lane needless. The caller holds the job. */
export async function supersede(
  tx: Tx,
  { jobId, laneId }: Place,
  { lane, job, run }: Superseding,
): Promise<void> {
  const mode = modeOf(lane, job)
  if (mode === 'queue') return
  let open = tx.db
    .selectFrom('runs')
    .select('id')
    .where('job_id', '=', jobId)
    .where('lane_id', '=', laneId)
    .where('id', '<', run)
    .where('state', 'in', mode === 'cancel_running' ? ['queued', 'running', 'waiting'] : NOT_BEGUN)
    .orderBy('id')
  if (mode === 'cancel_waiting') open = open.where('handover_id', 'is', null)
  const only = mode === 'cancel_waiting' ? NOT_BEGUN : null
  for (const { id } of await open.execute())
    await askToEnd(tx, id, { reason: `superseded by run ${run}`, only })
}
