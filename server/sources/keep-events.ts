import { sql } from 'kysely'
import type { SourceId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { storable } from '../db/to-json.ts'
import { CHANNEL } from '../db/transact.ts'
import type { Came } from './event-source.ts'

/** So many wait to be looked at; beyond that nothing more is taken from the stream, which keeps it. */
const MOST_WAITING = 10_000
export const MOST_PAYLOAD = 256 * 1024

/** Write down what a stream handed out, each once, whoever was killed before it said so. @throws {Error} Where there is no room. */
export async function keepEvents(
  db: Db,
  { id }: { readonly id: SourceId },
  came: readonly Came[],
): Promise<void> {
  const waiting = await db
    .selectFrom('source_events')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('source_id', '=', id)
    .where('state', '=', 'received')
    .executeTakeFirstOrThrow()
  if (waiting.count >= MOST_WAITING)
    throw new Error(`${waiting.count} of its events wait to be looked at: no more are taken till some were`)
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto('source_events')
      .values(
        came.map((each) => ({ source_id: id, event: each.event.slice(0, 300), ...rowOf(each.payload) })),
      )
      .onConflict((oc) => oc.columns(['source_id', 'event']).doNothing())
      .execute()
    await sql`select pg_notify(${CHANNEL}, '')`.execute(trx)
  })
}

const rowOf = (payload: string) =>
  payload.length <= MOST_PAYLOAD
    ? { payload: storable(payload) }
    : {
        payload: storable(payload.slice(0, 1_000)),
        state: 'dead' as const,
        reason: `it has ${payload.length} characters; ${MOST_PAYLOAD} are taken`,
        settled_at: sql<Date>`now()`,
      }
