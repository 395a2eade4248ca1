import type { JobId, LaneId, RunId, UserId } from '#pipelines/ids.ts'
import { due } from '#pipelines/plan/due.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { createRun, lockJob } from '../runs/create-run.ts'
import { newRun } from './schedule.ts'
import { loadSnapshot } from './snapshot.ts'

/**
 * A person starts a job on the newest inputs on which all its needs agree, whether or not they ran before.
 *
 * @throws {Problem} `job-not-found` when the lane's file has no such job, `no-input` when there is nothing to run with yet.
 */
export async function startByHand(
  db: Db,
  at: { job: JobId; lane: LaneId },
  by: { id: UserId; name: string },
): Promise<RunId> {
  return transact(db, async (tx) => {
    const { name } = await lockJob(tx.db, at.job)
    const planned = await loadSnapshot(tx.db, at.job, at.lane)
    if (!planned) throw new Problem('job-not-found', `the lane's present file has no job \`${name}\``)
    const decision = due({ ...planned.snapshot, taken: null })
    const newest = decision.due.at(-1)
    if (!newest)
      throw new Problem('no-input', `\`${name}\` ${decision.waiting ?? 'has no input yet: push a commit'}`)
    const run = newRun(planned, at.job, at.lane, newest)
    return createRun(tx, { ...run, reason: `started by ${by.name}`, automatic: false, createdBy: by.id })
  })
}
