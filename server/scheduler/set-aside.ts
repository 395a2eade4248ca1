import { DatabaseError } from 'pg'
import { markDirty, markServed } from '../catalog/dirty.ts'
import { gatheringJobs } from '../catalog/triggers.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { log } from '../log.ts'
import type { Mark } from './marks.ts'
import { settleAll } from './settle.ts'

/** A look that fails this often in a row would fail for ever. */
const MOST_FAILURES = 3
const OUR_FAULT = 'could not be planned, which is our fault; the server’s log holds the cause'

/**
 * PostgreSQL's classes of what passes by itself: connections, transactions rolled back for another's sake, resources, locks, its
 * operators, its machine. Whatever else it says of a look it would say again.
 */
const PASSING = ['08', '25', '40', '53', '55', '57', '58']
const passes = (error: unknown): boolean =>
  error instanceof DatabaseError &&
  PASSING.includes((error.code ?? '').slice(0, 2)) &&
  error.code !== TOOK_TOO_LONG

const TOOK_TOO_LONG = '57014'

/** How often the looks at a mark have failed here. Forgotten with the process, and then it is tried as often again. */
const failures = new Map<string, number>()
const keyOf = (mark: Mark) => `${mark.job_id} ${mark.lane_id}`

export const lookedWell = (mark: Mark): void => void failures.delete(keyOf(mark))

/**
 * A look has failed. What may go well the next time is thrown on. What was lost with a connection does not always say so: therefore
 * a look is tried again, and only one that fails again and again is given up, so that it stands in nobody's way.
 */
export async function lookedIll(db: Db, mark: Mark, error: unknown): Promise<void> {
  if (passes(error)) throw error
  const count = (failures.get(keyOf(mark)) ?? 0) + 1
  failures.set(keyOf(mark), count)
  const failed = { err: error, job: mark.job_id, lane: mark.lane_id }
  if (count < MOST_FAILURES) return log.warn(failed, 'job.look-failed')
  log.error(failed, 'job.unplannable')
  await transact(db, async (tx) => {
    await settleAll(tx.db, { jobId: mark.job_id, laneId: mark.lane_id }, OUR_FAULT)
    // Those that gather until this one has come to something need not wait for more of it.
    markDirty(tx, mark.lane_id, await gatheringJobs(tx.db, mark.lane_id))
    markServed(tx, mark)
  })
  failures.delete(keyOf(mark))
}
