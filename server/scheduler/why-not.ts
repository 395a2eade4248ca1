import { sql } from 'kysely'
import type { z } from 'zod'
import { why } from '#pipelines/plan/why.ts'
import type { JobId, LaneId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { pauseOf } from '../lines/decisions.ts'
import { waitsFor } from '../runs/waits-for.ts'
import { loadFacts } from './facts.ts'
import { isPlanned, type Place, placeOf } from './place.ts'
import type { Trigger, Why } from './shapes.ts'
import { openTriggers } from './triggers.ts'

const MOST_HELD = 50
const MOST_GATHERED = 50
const NEWEST = 20

/** Why a job does not run on a lane at present: what it waits for now, what holds its runs, what became of what could have started it. */
export async function whyNot(
  db: Db,
  { job, lane }: { job: JobId; lane: LaneId },
): Promise<z.output<typeof Why>> {
  const place = await placeOf(db, job, lane)
  const at = { job_id: job, lane_id: lane }
  return {
    job: isPlanned(place) ? place.edges.job.name : place.job,
    lane: place.lane.name,
    waits: isPlanned(place) ? await waitsNow(db, place) : ['the lane’s present file has no such job'],
    paused: await pauseOf(db, { of: 'job', id: job }),
    gathered: await triggersOf(db, at, { only: 'gathered', limit: MOST_GATHERED }),
    held: await heldRuns(db, at),
    triggers: await triggersOf(db, at, { only: null, limit: NEWEST }),
  }
}

const waitsNow = (db: Db, place: Place) =>
  db.transaction().execute(async (trx) => {
    const { triggers } = await openTriggers(trx, place)
    // A look at the job with no fact in particular.
    const facts = await loadFacts(trx, place, { chosen: new Map() })
    return why({ ...facts, triggers })
  })

type At = { readonly job_id: JobId; readonly lane_id: LaneId }

async function heldRuns(db: Db, at: At): Promise<z.output<typeof Why>['held']> {
  const rows = await db
    .selectFrom('runs')
    .select(['id', waitsFor('runs').as('held')])
    .where('job_id', '=', at.job_id)
    .where('lane_id', '=', at.lane_id)
    .where('state', '=', 'queued')
    .orderBy('due_at')
    .orderBy('id')
    .limit(MOST_HELD)
    .execute()
  return rows.flatMap(({ id, held }) => (held === null ? [] : [{ run: id, reason: held }]))
}

type Wanted = { readonly only: 'gathered' | null; readonly limit: number }

/** Newest first. */
async function triggersOf(db: Db, at: At, { only, limit }: Wanted): Promise<z.output<typeof Trigger>[]> {
  let triggers = db
    .selectFrom('triggers')
    .leftJoin('versions', 'versions.id', 'triggers.version_id')
    .leftJoin('endings', 'endings.id', 'triggers.ending_id')
    .select([
      'triggers.id',
      'triggers.kind',
      'triggers.edge',
      'versions.name as version',
      'endings.run_id as from_run',
      'triggers.fate',
      'triggers.reason',
      'triggers.run_id as run',
      'triggers.at',
      'triggers.settled_at',
    ])
    .where('triggers.job_id', '=', at.job_id)
    .where('triggers.lane_id', '=', at.lane_id)
  // Spelled out, so that the index of those that are gathered serves it.
  if (only) triggers = triggers.where(sql<boolean>`triggers.fate = 'gathered'`)
  const rows = await triggers.orderBy('triggers.id', 'desc').limit(limit).execute()
  return rows.map((row) => ({
    ...row,
    at: row.at.toISOString(),
    settled_at: row.settled_at?.toISOString() ?? null,
  }))
}
