import { sql } from 'kysely'
import type { ResourceId } from '#pipelines/ids.ts'
import type { Resource } from '#pipelines/language/pipeline.ts'
import { namedJobs } from '../catalog/queries.ts'
import type { Tx } from '../db/transact.ts'
import type { LaneNow } from '../resources/commit.ts'
import { type Busy, busyWith, endFor, startedBy } from './busy.ts'
import { type Fate, makeTime, type Moment, noteFiring } from './firings.ts'

export type Timed = Extract<Resource, { kind: 'time' }>
/** The times of a schedule that have come since the last look, oldest first, and those of them that count. */
export type Come = {
  readonly resource: ResourceId
  readonly name: string
  readonly rule: Timed
  readonly times: readonly number[]
  readonly due: readonly number[]
  /** When they were looked at. */
  readonly nowMs: number
  /** Who has paused it and why, in words; null where it goes. */
  readonly paused: string | null
}

/** Times have come: what the schedule says becomes of them. The caller holds the lane's row. */
export async function comeDue(tx: Tx, at: LaneNow, come: Come): Promise<void> {
  const { resource, name, rule, due } = come
  const moments = due.map((dueMs) => ({ resource, name, dueMs, nowMs: come.nowMs }))
  const note = async (fate: Fate) => {
    for (const moment of moments) await write(tx, at, { moment, fate })
    await tell(tx, at, name)
  }
  if (come.paused !== null) return note({ fate: 'paused', reason: come.paused })
  if (due.length === 0) return noteMissed(tx, at, come)
  const busy = rule.overlap === 'allow' ? null : await busyWith(tx, at, name)
  const missed = come.times.length - due.length
  if (rule.overlap === 'cancel_running') return replaceRunning(tx, at, { moments, busy, missed })
  if (rule.overlap === 'queue') return queue(tx, at, { moments, busy, missed, most: rule.maxCatchUp })
  if (!busy) return fire(tx, at, moments, { missed })
  await note({
    ...{ fate: 'skipped', missed, conflict: busy.run },
    reason: `${busy.words} (\`overlap: skip\`)`,
  })
  await tellJobs(tx, at, { name, times: due, busy })
}

const tell = async (tx: Tx, { project, pipeline }: LaneNow, resource: string) =>
  tx.emit({ kind: 'resource.checked', project, pipeline, resource })

type Written = { readonly moment: Moment; readonly fate: Fate }

/** A time that nothing comes of is news of its own, and so is one that stands for others. A pause is somebody's word. */
async function write(tx: Tx, { project, pipeline }: LaneNow, { moment, fate }: Written) {
  const firing = await noteFiring(tx, moment, fate)
  const isMissed = fate.fate === 'missed' || fate.fate === 'skipped' || (fate.missed ?? 0) > 0
  if (firing !== null && fate.fate !== 'paused' && isMissed)
    tx.emit({ kind: 'schedule.missed', project, pipeline, resource: moment.name, firing })
  return firing
}

type More = Pick<Fate, 'missed' | 'reason' | 'conflict'>

async function fire(tx: Tx, at: LaneNow, moments: readonly Moment[], { missed, ...more }: More) {
  for (const [index, moment] of moments.entries()) {
    // What is merged is merged into the first that counts.
    const fate: Fate = { fate: 'fired', ...more, missed: index === 0 ? (missed ?? 0) : 0 }
    const id = await write(tx, at, { moment, fate })
    if (id !== null) await makeTime(tx, at, { id, ...moment })
  }
}

/** Times passed while no server was there, and the schedule makes up for none of them. */
async function noteMissed(tx: Tx, at: LaneNow, come: Come): Promise<void> {
  const { resource, name, rule, times, nowMs } = come
  const dueMs = times.at(-1)
  if (dueMs === undefined) return
  const reason = `no server was there when it came (\`misfire: ${rule.misfire}\`)`
  const fate: Fate = { fate: 'missed', reason, missed: times.length - 1 }
  await write(tx, at, { moment: { resource, name, dueMs, nowMs }, fate })
  await tell(tx, at, name)
}

type Meeting = { readonly moments: readonly Moment[]; readonly busy: Busy | null; readonly missed: number }

/** The newest time has the place of all before it. */
async function replaceRunning(tx: Tx, at: LaneNow, { moments, busy, missed }: Meeting): Promise<void> {
  const last = moments.at(-1)
  if (!last) return
  for (const moment of moments.slice(0, -1))
    await noteFiring(tx, moment, {
      fate: 'skipped',
      reason: 'a later time came at once (`overlap: cancel_running`)',
    })
  if (!busy) return fire(tx, at, [last], { missed })
  const due = new Date(last.dueMs).toISOString()
  const ended = await endFor(tx, at, { resource: last.name, due })
  const reason = ended === null ? busy.words : `run ${ended} was cancelled for it`
  await fire(tx, at, [last], {
    missed,
    conflict: ended ?? busy.run,
    reason: `${reason} (\`overlap: cancel_running\`)`,
  })
}

/** Each waits till the one before has come to its end; what finds too many waiting is left out. */
async function queue(
  tx: Tx,
  at: LaneNow,
  { moments, busy, missed, most }: Meeting & { readonly most: number },
): Promise<void> {
  const [first] = moments
  if (!first) return
  let waiting = await waitingNow(tx, first.resource)
  const isFree = !busy && waiting === 0
  if (isFree) await fire(tx, at, [first], { missed })
  for (const moment of isFree ? moments.slice(1) : moments) {
    const words = busy?.words ?? 'the run for the time before had not begun'
    const full = waiting >= most
    const reason = full ? `${most} wait already (\`max_catch_up\`)` : `${words} (\`overlap: queue\`)`
    const fate: Fate = { fate: full ? 'skipped' : 'waiting', reason, conflict: busy?.run ?? null }
    await write(tx, at, { moment, fate })
    if (!full) waiting++
  }
  await tell(tx, at, first.name)
}

async function waitingNow(tx: Tx, resource: ResourceId): Promise<number> {
  const { count } = await tx.db
    .selectFrom('firings')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('resource_id', '=', resource)
    .where('fate', '=', 'waiting')
    .executeTakeFirstOrThrow()
  return count
}

type LeftOut = { readonly name: string; readonly times: readonly number[]; readonly busy: Busy }

/** What comes while the last run still runs starts nothing, and says so to whoever asks a job why. */
async function tellJobs(tx: Tx, at: LaneNow, { name, times, busy }: LeftOut): Promise<void> {
  const jobs = await namedJobs(tx.db, at.pipelineId, startedBy(at, name))
  const rows = [...jobs.values()].flatMap((job) =>
    times.map((ms) => ({
      ...{ job_id: job, lane_id: at.laneId, kind: 'changed' as const, version_id: null, ending_id: null },
      edge: `${name} came at ${new Date(ms).toISOString()}`,
      ...{
        fate: 'no-run' as const,
        reason: `${busy.words} (\`overlap: skip\`)`,
        settled_at: sql<Date>`now()`,
      },
    })),
  )
  if (rows.length > 0) await tx.db.insertInto('triggers').values(rows).execute()
}
