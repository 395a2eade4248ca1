import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import { timeAfter, timesUntil } from '#pipelines/plan/clock.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import type { LaneNow } from '../resources/commit.ts'
import { comeDue, type Timed } from '../schedules/come-due.ts'
import type { Claimed } from './due.ts'
import type { Question } from './questions.ts'
import { settleIn } from './settle.ts'
import { laneNow, subjectsOf } from './subjects.ts'

/** The time that comes next, before any jitter, in milliseconds. */
export type Seen = { readonly nextMs: number }

/** How late a time may come and still be on time, where the file does not say it: a restart of the server takes less. */
const GRACE_MS = 60_000

type TimeCheck = Claimed & { readonly question: Extract<Question, { kind: 'time' }> }
export const isTime = (check: Claimed): check is TimeCheck => check.question.kind === 'time'

/**
 * Times of one pipeline have come, of some schedules several while no server was there: each that counts is a version named by its
 * moment. A moment makes one version, whichever server sees it come. What is due together is written together: a thousand at
 * midnight cost no thousand commits.
 *
 * @returns How long after they were due they were written down, in milliseconds; of those that came.
 */
export async function checkTimes(db: Db, checks: readonly TimeCheck[]): Promise<readonly number[]> {
  const nowMs = await clockMs(db)
  const came: TimeCheck[] = []
  await transact(db, async (tx) => {
    const at = await placeOf(tx, checks)
    const standings = await standingsOf(tx, checks)
    for (const check of at ? checks : []) {
      const standing = standings.get(check.id)
      if (!at || !standing || standing.lease !== check.lease) continue
      const { times, due, nextMs } = lookAt(check, nowMs)
      const rule = check.question.resource
      if (times.length > 0) {
        came.push(check)
        await comeDue(tx, at, { ...standing, rule, times, due, nowMs })
      }
      const dueAt = new Date(nextMs + (rule.jitterMs > 0 ? randomInt(rule.jitterMs) : 0))
      await settleIn(tx, check, { seen: { nextMs } }, dueAt)
    }
  })
  const doneMs = await clockMs(db)
  return came.map(({ dueAt }) => Math.max(doneMs - dueAt.getTime(), 0))
}

/** What has come since the last look, what of it counts, and what comes next. */
function lookAt({ seen: last, question: { resource } }: TimeCheck, nowMs: number) {
  const seen = last as Seen | null
  // Not before it is known what comes next does anything come: a file that has just come into force missed nothing.
  const times =
    seen === null
      ? []
      : timesUntil(resource, { fromMs: seen.nextMs, untilMs: nowMs, most: resource.maxCatchUp })
  const lastMs = times.at(-1) ?? nowMs
  // A span goes on from the time that it made; one that is not over yet stays as it is.
  const nextMs =
    seen !== null && times.length === 0 ? seen.nextMs : (timeAfter(resource, lastMs) ?? nowMs + YEAR_MS)
  return { times, due: counted(resource, times, nowMs), nextMs }
}

/** Whose they are now, the resource of each, and who has paused it. */
async function standingsOf({ db }: Tx, checks: readonly TimeCheck[]) {
  const rows = await db
    .selectFrom('checks')
    .innerJoin('resources', 'resources.check_id', 'checks.id')
    .leftJoin('schedules', 'schedules.resource_id', 'resources.id')
    .select(['checks.id', 'checks.lease_token as lease', 'resources.id as resource', 'resources.name'])
    .select(
      sql<string | null>`'paused by ' || schedules.paused_by || ': ' || schedules.paused_reason`.as('paused'),
    )
    .where(
      'checks.id',
      'in',
      checks.map(({ id }) => id),
    )
    .execute()
  return new Map(rows.map((row) => [row.id, row]))
}

/** The lane that they all live on, locked. */
async function placeOf(tx: Tx, [first]: readonly TimeCheck[]): Promise<LaneNow | null> {
  const [subject] = first ? await subjectsOf(tx.db, first.id) : []
  return subject ? laneNow(tx, subject) : null
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
