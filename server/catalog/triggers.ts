import type { EndingId, JobId, LaneId, VersionId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'
import { markDirty } from './dirty.ts'

/** A new fact on an edge that triggers, for one job on one lane: a run may come of it, or a reason why none did. */
export type NewTrigger = { readonly job: JobId; readonly lane: LaneId } & (
  | { readonly kind: 'version'; readonly resource: string; readonly version: VersionId }
  | { readonly kind: 'ending'; readonly upstream: string; readonly ending: EndingId }
  | { readonly kind: 'changed'; readonly words: string }
)

/** Take note of triggers, in the transaction that records their facts, and ask for a look at their jobs. */
export async function addTriggers(tx: Tx, triggers: readonly NewTrigger[]): Promise<void> {
  if (triggers.length === 0) return
  await tx.db.insertInto('triggers').values(triggers.map(toRow)).execute()
  for (const { job, lane } of triggers) markDirty(tx, lane, [job])
}

function toRow(trigger: NewTrigger) {
  const at = { job_id: trigger.job, lane_id: trigger.lane, kind: trigger.kind }
  const nothing = { version_id: null, ending_id: null }
  switch (trigger.kind) {
    case 'version':
      return { ...at, ...nothing, edge: trigger.resource, version_id: trigger.version }
    case 'ending':
      return { ...at, ...nothing, edge: trigger.upstream, ending_id: trigger.ending }
    case 'changed':
      return { ...at, ...nothing, edge: trigger.words }
  }
}

/** Why nothing came of a trigger whose pull request was over; it is looked at again when that is opened again. */
export const PULL_OVER = 'the pull request is over'

/** A lane is open again: what nothing came of because it was over is looked at again. */
export async function reviveTriggers(tx: Tx, lanes: readonly LaneId[]): Promise<void> {
  if (lanes.length === 0) return
  const rows = await tx.db
    .updateTable('triggers')
    .set({ fate: 'new', reason: null, settled_at: null })
    .where('lane_id', 'in', [...lanes])
    .where('fate', '=', 'no-run')
    .where('reason', '=', PULL_OVER)
    .returning(['job_id', 'lane_id'])
    .execute()
  for (const { job_id, lane_id } of rows) markDirty(tx, lane_id, [job_id])
}

/** The jobs that gather triggers on a lane until everything upstream is final. */
export async function gatheringJobs(db: Trx, lane: LaneId): Promise<JobId[]> {
  const rows = await db
    .selectFrom('triggers')
    .select('job_id')
    .distinct()
    .where('lane_id', '=', lane)
    .where('fate', '=', 'gathered')
    .execute()
  return rows.map((row) => row.job_id)
}
