import { sql } from 'kysely'
import type { Db } from '../db/connect.ts'
import type { Hints } from '../events/listen.ts'
import { startWorker } from '../events/worker.ts'
import { log } from '../log.ts'
import type { Forge } from './forge.ts'
import { lookAtNext } from './look.ts'
import { passOver, readOn } from './read-events.ts'
import { sendNext } from './send.ts'

export type Telling = { readonly db: Db; readonly forges: readonly Forge[]; readonly publicUrl: () => string }

/** Without a forge to tell, what happens is passed over, so that one that is set later is not told of years. */
const PASS_OVER_MS = 60_000

/**
 * Tell forges how commits stand: facts make commits due, a look says how their statuses should stand, and those that have not arrived
 * are sent. Each forge by itself, so that one that does not answer holds up no other.
 */
export function startStatuses(
  { db, forges, publicUrl }: Telling,
  loop: { hints: Pick<Hints, 'on'>; sweepMs: number },
): AsyncDisposable {
  if (forges.length === 0) {
    const hints = { on: () => () => {} }
    const idle = async () => passOver(db).then(() => false)
    return startWorker('statuses', idle, { hints, sweepMs: PASS_OVER_MS })
  }
  const quit = new AbortController()
  const busy = new Map<Forge, Promise<void>>()
  let alarm: NodeJS.Timeout | undefined

  async function send(forge: Forge): Promise<void> {
    try {
      while (!quit.signal.aborted && (await sendNext({ db, forge, publicUrl, quit: quit.signal })));
    } catch (error) {
      log.error({ err: error, forge: forge.name }, 'statuses.failed') // the database is away: the next look tries again
    } finally {
      busy.delete(forge)
      worker.poke()
    }
  }
  async function look(): Promise<boolean> {
    clearTimeout(alarm)
    while (await readOn(db));
    while (!quit.signal.aborted && (await lookAtNext(db, forges)));
    for (const forge of forges) {
      if (!busy.has(forge) && (await hasSome(db, forge))) busy.set(forge, send(forge))
    }
    const inMs = await nextInMs(db)
    if (inMs !== null && inMs < loop.sweepMs) alarm = setTimeout(() => worker.poke(), inMs + 5).unref()
    return false
  }
  const worker = startWorker('statuses', look, loop)
  return {
    async [Symbol.asyncDispose]() {
      quit.abort()
      await worker[Symbol.asyncDispose]()
      clearTimeout(alarm)
      await Promise.all(busy.values())
    },
  }
}

const unsent = sql<boolean>`sent < requested and given_up_at is null`

/** Whether something may be sent to a forge now. */
async function hasSome(db: Db, { name }: Forge): Promise<boolean> {
  const { rows } = await sql<{ some: boolean }>`
    select exists (select from statuses where forge = ${name} and ${unsent} and attempt_after <= now())
      and not exists (select from forge_doors where forge = ${name} and opens_at > now()) as some`.execute(db)
  return rows[0]?.some ?? false
}

/** When something is due next that is not due now; null where nothing is. */
async function nextInMs(db: Db): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from min(at) - clock_timestamp())::float8 * 1000 as ms from (
      select min(due_at) as at from status_dues
      union all
      select min(greatest(attempt_after, coalesce(opens_at, '-infinity'))) from statuses
      left join forge_doors using (forge) where ${unsent}
        and (attempt_after > now() or opens_at > now())
    ) as next`.execute(db)
  const ms = rows[0]?.ms
  return ms === null || ms === undefined ? null : Math.max(0, ms)
}
