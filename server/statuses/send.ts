import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import { backoffMs } from '#pipelines/backoff.ts'
import type { Db } from '../db/connect.ts'
import { storable } from '../db/to-json.ts'
import { inMs, transact } from '../db/transact.ts'
import { log } from '../log.ts'
import { ForgeRefusal } from '../forges/forge-refusal.ts'
import { failuresOf, type HeldDoor, setDoor } from './doors.ts'
import type { Arrived, Forge } from './forge.ts'

/** What may yet be taken, such as a commit that the forge does not know yet, is sent so often. */
const MOST_ATTEMPTS = 6
const FIRST_AGAIN_MS = 2_000
/** A forge that does not answer is asked again after half a second, then twice as long each time, and at most after so long. */
const CLOSED = { firstMs: 500, mostMs: 5 * 60_000 }

export type Sending = {
  readonly db: Db
  readonly forge: Forge
  /** Held while it is told: across all servers one tells at a time. */
  readonly door: HeldDoor
  readonly publicUrl: () => string
  readonly signal: AbortSignal
}

/**
 * Tell a forge of the oldest status that has not arrived, one at a time: so forges ask for it, and so nothing overtakes. It is noted
 * as sent when the forge has said so; whoever dies in between sends it again.
 *
 * @returns True when there may be more.
 */
export async function sendNext(sending: Sending): Promise<boolean> {
  const { db, forge, door, publicUrl, signal } = sending
  if (await isClosed(db, door)) return false
  const status = await oldest(db, door)
  if (!status) return false
  try {
    // Written before it is told: a check that was made and not noted is looked for.
    if (!status.unsure)
      await db.updateTable('statuses').set({ unsure: true }).where('id', '=', status.id).execute()
    const arrived = await forge.tell(
      {
        ...{ repository: status.repository, sha: status.sha, ref: status.ref, name: status.name },
        ...{ verdict: status.verdict, words: status.words, link: publicUrl() + status.path },
        ...{ isLine: status.job === '', id: `takt-${status.id}`, unsure: status.unsure },
        before: { externalId: status.external_id, verdict: status.sent_verdict },
      },
      signal,
    )
    await noteArrival(sending, status, arrived)
    return true
  } catch (error) {
    if (signal.aborted) return false
    if (!(error instanceof ForgeRefusal)) log.error({ err: error, status: status.id }, 'status.failed')
    const refusal =
      error instanceof ForgeRefusal ? error : new ForgeRefusal('later', 'the server failed on it')
    await noteRefusal(sending, status, refusal)
    return true
  }
}

/** What a door has before it is refused alike: its token is gone, or cannot be opened. */
export async function refuseDoor({ db, door }: Pick<Sending, 'db' | 'door'>, words: string): Promise<void> {
  const failures = await failuresOf(db, door)
  await setDoor(db, door, { failures: failures + 1, opensInMs: closedMs(failures), reason: words })
}

async function isClosed(db: Db, { forge, project }: HeldDoor): Promise<boolean> {
  const door = await db
    .selectFrom('forge_doors')
    .select('forge')
    .where('forge', '=', forge)
    .where(sql<boolean>`project_id is not distinct from ${project}`)
    .where('opens_at', '>', sql<Date>`now()`)
    .executeTakeFirst()
  return door !== undefined
}

/** The oldest that may be sent now. What waits keeps those behind it of the same commit waiting. */
const oldest = (db: Db, { forge, project }: HeldDoor) =>
  db
    .selectFrom('statuses')
    .innerJoin('pipelines', 'pipelines.id', 'statuses.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .selectAll('statuses')
    .select('projects.name as project')
    .where('forge', '=', forge)
    .where('own_token', '=', project !== null)
    .$if(project !== null, (found) => found.where('pipelines.project_id', '=', project))
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
    .orderBy('statuses.id')
    .limit(1)
    .executeTakeFirst()
type Status = NonNullable<Awaited<ReturnType<typeof oldest>>>

/** What changed while it was on its way is sent next: only what was read has arrived. */
async function noteArrival(
  { db, door }: Sending,
  status: Status,
  { externalId, restMs }: Arrived,
): Promise<void> {
  await transact(db, async (tx) => {
    await tx.db
      .updateTable('statuses')
      .set({
        ...{ sent: status.requested, sent_verdict: status.verdict, external_id: externalId, unsure: false },
        ...{ attempts: 0, error: null, sent_at: sql<Date>`now()` },
      })
      .where('id', '=', status.id)
      .execute()
    tx.emit({ kind: 'status.told', project: status.project, status: status.id })
  })
  await setDoor(db, door, { failures: 0, opensInMs: restMs > 0 ? restMs : null, reason: null })
}

async function noteRefusal({ db, door }: Sending, status: Status, refusal: ForgeRefusal): Promise<void> {
  const { what, afterMs } = refusal
  const attempts = status.attempts + 1
  const isOver = what === 'this' || (what === 'later' && attempts >= MOST_ATTEMPTS)
  await transact(db, async (tx) => {
    await tx.db
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
    tx.emit({ kind: 'status.told', project: status.project, status: status.id })
  })
  if (what !== 'all') return
  const failures = await failuresOf(db, door)
  const opensInMs = Math.max(afterMs ?? 0, closedMs(failures))
  await setDoor(db, door, { failures: failures + 1, opensInMs, reason: refusal.message })
  log.warn({ forge: status.forge, opensInMs, reason: refusal.message }, 'forge.closed')
}

/** Spread, so that not everybody calls at once. */
const closedMs = (failures: number) =>
  Math.round(backoffMs(failures, CLOSED) * (0.75 + randomInt(1_000) / 4_000))
