import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import { backoffMs } from '#pipelines/backoff.ts'
import type { Db } from '../db/connect.ts'
import { LOCKS } from '../db/locks.ts'
import type { ForgeName } from '../db/status-tables.ts'
import { storable } from '../db/to-json.ts'
import { inMs } from '../db/transact.ts'
import { log } from '../log.ts'
import { ForgeRefusal } from '../forges/forge-refusal.ts'
import type { Arrived, Forge } from './forge.ts'

/** What may yet be taken, such as a commit that the forge does not know yet, is sent so often. */
const MOST_ATTEMPTS = 6
const FIRST_AGAIN_MS = 2_000
/** A forge that does not answer is asked again after half a second, then twice as long each time, and at most after so long. */
const CLOSED = { firstMs: 500, mostMs: 5 * 60_000 }

export type Sending = {
  readonly db: Db
  readonly forge: Forge
  readonly publicUrl: () => string
  readonly quit: AbortSignal
}

const NUMBERS: Readonly<Record<ForgeName, number>> = { github: 1, gitlab: 2, gitea: 3 }

/**
 * Tell a forge of the oldest status that has not arrived, across all servers one at a time: so forges ask for it, and so nothing
 * overtakes. It is noted as sent when the forge has said so; whoever dies in between sends it again.
 *
 * @returns True when there may be more.
 */
export async function sendNext(sending: Sending): Promise<boolean> {
  const { db, forge } = sending
  return db.connection().execute(async (one) => {
    const lock = await sql<{
      got: boolean
    }>`select pg_try_advisory_lock(${LOCKS.statuses}, ${NUMBERS[forge.name]}) as got`.execute(one)
    if (!lock.rows[0]?.got) return false
    try {
      return await sendOldest(sending)
    } finally {
      await sql`select pg_advisory_unlock(${LOCKS.statuses}, ${NUMBERS[forge.name]})`.execute(one)
    }
  })
}

async function sendOldest({ db, forge, publicUrl, quit }: Sending): Promise<boolean> {
  if (await isClosed(db, forge.name)) return false
  const status = await oldest(db, forge.name)
  if (!status) return false
  try {
    const arrived = await forge.tell(
      {
        ...{ repository: status.repository, sha: status.sha, ref: status.ref, name: status.name },
        ...{ verdict: status.verdict, words: status.words, link: publicUrl() + status.path },
        ...{ isLine: status.job === '', id: `takt-${status.id}` },
        before: { externalId: status.external_id, verdict: status.sent_verdict },
      },
      quit,
    )
    await noteArrival(db, status, arrived)
    return true
  } catch (error) {
    if (quit.aborted) return false
    if (!(error instanceof ForgeRefusal)) log.error({ err: error, status: status.id }, 'status.failed')
    const refusal =
      error instanceof ForgeRefusal ? error : new ForgeRefusal('later', 'the server failed on it')
    await noteRefusal(db, status, refusal)
    return true
  }
}

async function isClosed(db: Db, forge: ForgeName): Promise<boolean> {
  const door = await db
    .selectFrom('forge_doors')
    .select('forge')
    .where('forge', '=', forge)
    .where('opens_at', '>', sql<Date>`now()`)
    .executeTakeFirst()
  return door !== undefined
}

/** The oldest that may be sent now. What waits keeps those behind it of the same commit waiting. */
const oldest = (db: Db, forge: ForgeName) =>
  db
    .selectFrom('statuses')
    .selectAll()
    .where('forge', '=', forge)
    .whereRef('sent', '<', 'requested')
    .where('given_up_at', 'is', null)
    .where('attempt_after', '<=', sql<Date>`now()`)
    .where(
      sql<boolean>`not exists (
        select from statuses before where before.forge = statuses.forge and before.pipeline_id = statuses.pipeline_id
          and before.sha = statuses.sha and before.sent < before.requested and before.given_up_at is null
          and before.attempt_after > now() and (before.changed_at, before.id) < (statuses.changed_at, statuses.id))`,
    )
    .orderBy('changed_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
type Status = NonNullable<Awaited<ReturnType<typeof oldest>>>

/** What changed while it was on its way is sent next: only what was read has arrived. */
async function noteArrival(db: Db, status: Status, { externalId, restMs }: Arrived): Promise<void> {
  await db
    .updateTable('statuses')
    .set({
      ...{ sent: status.requested, sent_verdict: status.verdict, external_id: externalId },
      ...{ attempts: 0, error: null, sent_at: sql<Date>`now()` },
    })
    .where('id', '=', status.id)
    .execute()
  await setDoor(db, status.forge, { failures: 0, opensInMs: restMs > 0 ? restMs : null, reason: null })
}

async function noteRefusal(db: Db, status: Status, refusal: ForgeRefusal): Promise<void> {
  const { what, afterMs } = refusal
  const attempts = status.attempts + 1
  const isOver = what === 'this' || (what === 'later' && attempts >= MOST_ATTEMPTS)
  await db
    .updateTable('statuses')
    .set({
      ...{
        attempts: what === 'all' ? status.attempts : attempts,
        error: storable(refusal.message).slice(0, 1_000),
      },
      attempt_after:
        what === 'later' ? inMs(afterMs ?? FIRST_AGAIN_MS * 4 ** status.attempts) : sql<Date>`now()`,
      given_up_at: isOver ? sql<Date>`now()` : null,
    })
    .where('id', '=', status.id)
    .where('requested', '=', status.requested) // a newer one is tried by itself
    .execute()
  if (what !== 'all') return
  const failures = await failuresOf(db, status.forge)
  const opensInMs = Math.max(afterMs ?? 0, closedMs(failures))
  await setDoor(db, status.forge, { failures: failures + 1, opensInMs, reason: refusal.message })
  log.warn({ forge: status.forge, opensInMs, reason: refusal.message }, 'forge.closed')
}

/** Spread, so that not everybody calls at once. */
const closedMs = (failures: number) =>
  Math.round(backoffMs(failures, CLOSED) * (0.75 + randomInt(1_000) / 4_000))

async function failuresOf(db: Db, forge: ForgeName): Promise<number> {
  const door = await db
    .selectFrom('forge_doors')
    .select('failures')
    .where('forge', '=', forge)
    .executeTakeFirst()
  return door?.failures ?? 0
}

type Door = { readonly failures: number; readonly opensInMs: number | null; readonly reason: string | null }

async function setDoor(db: Db, forge: ForgeName, { failures, opensInMs, reason }: Door): Promise<void> {
  const door = {
    ...{ failures, reason: reason === null ? null : storable(reason).slice(0, 1_000) },
    ...{ opens_at: opensInMs === null ? null : inMs(opensInMs), heard_at: sql<Date>`now()` },
  }
  await db
    .insertInto('forge_doors')
    .values({ forge, ...door })
    .onConflict((oc) => oc.column('forge').doUpdateSet(door))
    .execute()
}
