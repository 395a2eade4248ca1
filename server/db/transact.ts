import { sql } from 'kysely'
import type { TaktEvent } from '#pipelines/wire/events.ts'
import { Problem } from '../problem.ts'
import { companion } from './companion.ts'
import type { Db, Trx } from './connect.ts'
import { LOCKS } from './locks.ts'

/** One unit of work: the rows it writes and the facts it will announce, committed together or not at all. */
export interface Tx {
  readonly db: Trx
  emit(event: TaktEvent): void
  /**
   * Work to be done last, right before the events are told: once for each name, in the order of the names. What locks rows that
   * others want, too, waits for its place here, so that nobody waits in a circle.
   */
  atEnd(name: string, work: () => Promise<void>): void
}

/** The channel on which PostgreSQL says "look". The table is the truth; this is a hint. */
export const CHANNEL = 'takt'

/**
 * Run `work` in a transaction; its events become visible with its rows, in id order, and wake the listeners. What accompanies the
 * request (its entry in the audit log) is committed with the first of them.
 */
export async function transact<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  const beside = companion.getStore()
  try {
    const result = await attempt(db, work)
    beside?.committed()
    return result
  } catch (error) {
    beside?.undone()
    // What was locked until the refusal, others may have passed over, and no event tells them that it is free.
    if (error instanceof Problem) await sql`select pg_notify(${CHANNEL}, '')`.execute(db)
    throw error
  }
}

async function attempt<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  return db.transaction().execute(async (trx) => {
    const events: TaktEvent[] = []
    const last = new Map<string, () => Promise<void>>()
    const result = await work({
      db: trx,
      emit: (event) => events.push(event),
      atEnd: (name, todo) => last.set(name, todo),
    })
    for (let next = first(last); next; next = first(last)) {
      last.delete(next[0])
      await next[1]()
    }
    await companion.getStore()?.write(trx, events)
    if (events.length > 0) await announce(trx, events)
    return result
  })
}

/** What comes first by name. Work may ask for more of it. */
const first = <T>(named: ReadonlyMap<string, T>) =>
  [...named].reduce<[string, T] | null>((least, each) => (least && least[0] < each[0] ? least : each), null)

/**
 * Last statement on purpose: the lock is held only from here to commit, and while it is held no other transaction can take a
 * smaller id and appear later, behind a reader's cursor.
 */
async function announce(trx: Trx, events: readonly TaktEvent[]): Promise<void> {
  const bodies = events.map((event) => JSON.stringify(event))
  const projects = events.map((event) => ('project' in event ? event.project : null))
  const runs = events.map((event) => ('run' in event ? event.run : null))
  // Two statements: an insert beside the lock in one statement could take its ids before the lock is granted.
  await sql`select pg_advisory_xact_lock(${LOCKS.events})`.execute(trx)
  await sql`
    with told as (
      insert into events (body, project, run_id)
      select * from unnest(${bodies}::jsonb[], ${projects}::text[], ${runs}::bigint[])
    )
    select pg_notify(${CHANNEL}, '')`.execute(trx)
}

/** The database's clock is the only clock that leases know. */
export const inMs = (ms: number) => sql<Date>`now() + ${ms} * interval '1 millisecond'`
