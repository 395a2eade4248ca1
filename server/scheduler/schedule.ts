import { decide } from '#pipelines/plan/decide.ts'
import type { DueRun, Facts } from '#pipelines/plan/facts.ts'
import type { JobId, LaneId } from '#pipelines/ids.ts'
import { markServed } from '../catalog/dirty.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { cancelRest } from '../runs/fail-fast.ts'
import { createDue } from './create-due.ts'
import { loadFacts } from './facts.ts'
import { PULL_OVER } from '../catalog/triggers.ts'
import { isPlanned, type Place, placeOf } from './place.ts'
import { type Mark, takeDirty, type Turn, wakeStrictBelow } from './marks.ts'
import { lookedIll, lookedWell } from './set-aside.ts'
import { type Settled, settle, settleAll } from './settle.ts'
import { openTriggers } from './triggers.ts'

/** Most of a look is waiting for PostgreSQL, so that several jobs can be looked at in the time of one. */
const SIDE_BY_SIDE = 4

/**
 * Look at jobs until none is left that something happened to: the first one alone, as mostly it is the only one.
 *
 * @returns True when there may be more to look at.
 */
export async function scheduleSideBySide(db: Db, quit: AbortSignal): Promise<boolean> {
  const turn: Turn = { after: null }
  if (!(await schedule(db, turn))) return false
  const lookOn = async () => {
    while (!quit.aborted && (await schedule(db, turn)));
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lookOn))
  return true
}

/**
 * Look at one job that something happened to on a lane: every open trigger gets its fate, and the runs that are due are created.
 *
 * The look, its runs, the fates and the clearing of the mark are one transaction: a process that dies in between leaves the mark
 * for another one. A job that cannot be planned says so as its triggers' fate, and stands in nobody's way.
 *
 * @returns True when there may be more to look at.
 */
export async function schedule(db: Db, turn: Turn = { after: null }): Promise<boolean> {
  const looked: { mark: Mark | null } = { mark: null }
  try {
    const more = await transact(db, async (tx) => {
      const mark = await takeDirty(tx.db, turn)
      if (!mark) return false
      looked.mark = mark
      const more = await lookAt(tx, mark.job_id, mark.lane_id)
      if (!more) markServed(tx, mark)
      return true
    })
    if (looked.mark) lookedWell(looked.mark)
    return more
  } catch (error) {
    if (!looked.mark) throw error
    await lookedIll(db, looked.mark, error)
    return true
  }
}

/** @returns Whether there were more open triggers than one look takes on. */
async function lookAt(tx: Tx, jobId: JobId, laneId: LaneId): Promise<boolean> {
  const place = await placeOf(tx.db, jobId, laneId)
  if (!isPlanned(place)) {
    const reason = `the lane’s present file has no job \`${place.job}\``
    await settleAll(tx.db, place, reason)
    return false
  }
  if (place.isOver) {
    await settleAll(tx.db, place, PULL_OVER)
    return false
  }
  if (place.edges.job.matrix?.failFast) await cancelRest(tx, place)
  const open = await openTriggers(tx.db, place)
  if (open.triggers.length + open.over.length === 0) return false
  const facts = await loadFacts(tx.db, place, open)
  const decision = decide(facts)
  const settled = await createAll(tx, place, { facts, runs: decision.runs })
  const changed = await settle(tx.db, place, [...open.over, ...decision.fates, ...settled])
  const names = { project: place.project, pipeline: place.pipeline, lane: place.lane.name }
  if (changed.unrun) tx.emit({ kind: 'job.planned', ...names, job: place.edges.job.name })
  if (changed.done) await wakeStrictBelow(tx, place)
  return open.more && changed.done
}

type Due = { readonly facts: Facts; readonly runs: readonly DueRun[] }

async function createAll(tx: Tx, place: Place, { facts, runs }: Due): Promise<Settled[]> {
  const settled: Settled[] = []
  for (const due of runs) {
    const run = await createDue(tx, place, { facts, due })
    settled.push(
      ...due.triggers.map((trigger) => ({
        trigger,
        fate: 'run' as const,
        run,
        reason: null,
        lacks: false as const,
      })),
    )
  }
  return settled
}
