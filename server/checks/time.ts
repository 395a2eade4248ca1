import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { timeAfter, timesUntil } from '#pipelines/plan/clock.ts'
import type { RunId } from '#pipelines/ids.ts'
import { namedJobs } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import type { Tx } from '../db/transact.ts'
import type { LaneNow } from '../resources/commit.ts'
import type { Claimed } from './due.ts'
import type { Question } from './questions.ts'
import { recordTold } from './record-told.ts'
import { settle } from './settle.ts'
import { withEach } from './subjects.ts'

type Timed = Extract<Question, { kind: 'time' }>['resource']
/** The time that comes next, before any jitter, in milliseconds. */
type Seen = { readonly nextMs: number }

/** How late a time may come and still be on time, where the file does not say it: a restart of the server takes less. */
const GRACE_MS = 60_000

/**
 * A time has come, or several while no server was there: each that counts is a version named by its moment. A moment makes one version,
 * whichever server sees it come.
 */
export async function checkTime(db: Db, check: Claimed, resource: Timed): Promise<void> {
  const nowMs = await clockMs(db)
  const seen = check.seen as Seen | null
  // Not before it is known what comes next does anything come: a file that has just come into force missed nothing.
  const times =
    seen === null
      ? []
      : timesUntil(resource, { fromMs: seen.nextMs, untilMs: nowMs, most: resource.maxCatchUp })
  const due = counted(resource, times, nowMs)
  const versions = due.map((ms) => ({
    name: new Date(ms).toISOString(),
    body: { fields: fieldsOf(ms, nowMs) },
  }))
  await withEach(db, check, async (subject, { tx, at }) => {
    const busy = resource.overlap === 'skip' ? await stillRuns(tx, at, subject.name) : null
    if (busy !== null) return leaveOut(tx, at, { resource: subject.name, times: due, busy })
    await recordTold(tx, at, { id: subject.resource, name: subject.name, versions })
  })
  const lastMs = times.at(-1) ?? nowMs
  // A span goes on from the time that it made; one that is not over yet stays as it is.
  const nextMs =
    seen !== null && times.length === 0 ? seen.nextMs : (timeAfter(resource, lastMs) ?? nowMs + YEAR_MS)
  const dueAt = new Date(nextMs + (resource.jitterMs > 0 ? randomInt(resource.jitterMs) : 0))
  await settle(db, check, { seen: { nextMs } }, dueAt)
}
const YEAR_MS = 366 * 86_400_000

/** The database's clock is the one that all servers share. */
async function clockMs(db: Db): Promise<number> {
  const { rows } = await sql<{
    ms: number
  }>`select (extract(epoch from clock_timestamp()) * 1000)::bigint as ms`.execute(db)
  return rows[0]?.ms ?? Date.now()
}

/** Of the times that have passed those that still count: what comes in time always does. */
export function counted(
  { misfire, misfireGraceMs, jitterMs }: Pick<Timed, 'misfire' | 'misfireGraceMs' | 'jitterMs'>,
  times: readonly number[],
  nowMs: number,
): readonly number[] {
  const graceMs = (misfireGraceMs ?? GRACE_MS) + jitterMs
  switch (misfire) {
    case 'all':
      return times
    case 'once':
      return times.slice(-1)
    case 'skip':
      return times.slice(-1).filter((ms) => nowMs - ms <= graceMs)
  }
}

const fieldsOf = (dueMs: number, nowMs: number): Readonly<Record<string, string>> => ({
  due: new Date(dueMs).toISOString(),
  at: new Date(nowMs).toISOString(),
})

/** A run that an earlier time may have started, and that has not come to its end. */
async function stillRuns(tx: Tx, at: LaneNow, resource: string): Promise<RunId | null> {
  const names = edgesOf(at.definition).startedByVersion.get(resource) ?? []
  if (names.length === 0) return null
  const found = await tx.db
    .selectFrom('runs')
    .innerJoin('jobs', 'jobs.id', 'runs.job_id')
    .select('runs.id')
    .where('jobs.pipeline_id', '=', at.pipelineId)
    .where('jobs.name', 'in', [...names])
    .where('runs.lane_id', '=', at.laneId)
    .where('runs.state', 'in', ['queued', 'running', 'waiting'])
    .limit(1)
    .executeTakeFirst()
  return found?.id ?? null
}

type LeftOut = { readonly resource: string; readonly times: readonly number[]; readonly busy: RunId }

/** What comes while the last run still runs starts nothing, and says so to whoever asks why. */
async function leaveOut(tx: Tx, at: LaneNow, { resource, times, busy }: LeftOut): Promise<void> {
  const jobs = await namedJobs(
    tx.db,
    at.pipelineId,
    edgesOf(at.definition).startedByVersion.get(resource) ?? [],
  )
  const rows = [...jobs.values()].flatMap((job) =>
    times.map((ms) => ({
      ...{ job_id: job, lane_id: at.laneId, kind: 'changed' as const, version_id: null, ending_id: null },
      edge: `${resource} came at ${new Date(ms).toISOString()}`,
      ...{
        fate: 'no-run' as const,
        reason: `run ${busy} still ran (\`overlap: skip\`)`,
        settled_at: sql<Date>`now()`,
      },
    })),
  )
  if (rows.length > 0) await tx.db.insertInto('triggers').values(rows).execute()
}
