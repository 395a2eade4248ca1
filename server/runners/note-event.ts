import { sql } from 'kysely'
import type { RunnerId, UserId } from '#pipelines/ids.ts'
import type { RunnerEventKind } from '#pipelines/states.ts'
import type { RunnerSays } from '#pipelines/wire/runner.ts'
import type { Db } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import type { Present } from './queries.ts'

/** So many of the newest events of a runner are kept. */
const MOST_KEPT = 500

type Happened = {
  readonly runner: RunnerId
  readonly kind: RunnerEventKind
  readonly words: string
  readonly by?: UserId
  readonly slots?: number | null
  /** The process of the runner that told it, and its own number for it. */
  readonly told?: { readonly life: string; readonly seq: number }
}

/** Something has happened to a runner. What it tells twice is noted once. */
export async function noteEvent(tx: Tx, { runner, kind, words, by, slots, told }: Happened): Promise<void> {
  await tx.db
    .insertInto('runner_events')
    .values({
      runner_id: runner,
      kind,
      words,
      by_id: by ?? null,
      slots: slots ?? null,
      life: told?.life ?? null,
      seq: told?.seq ?? null,
    })
    .onConflict((oc) => oc.columns(['runner_id', 'life', 'seq']).doNothing())
    .execute()
  await sql`
    delete from runner_events where runner_id = ${runner} and id <= (
      select id from runner_events where runner_id = ${runner} order by id desc offset ${MOST_KEPT} limit 1
    )`.execute(tx.db)
  tx.emit({ kind: 'runner.changed', runner })
}

type Standing = Extract<RunnerSays, { say: 'standing' }>

/** A runner says how it stands. A connection that speaks for it no more says nothing. */
export async function noteStanding(
  db: Db,
  { id, connection }: Present,
  { life, standing }: { life: string; standing: Standing },
): Promise<void> {
  const { slots, trouble, events } = standing
  await transact(db, async (tx) => {
    const { numUpdatedRows } = await tx.db
      .updateTable('runners')
      .set({
        slots,
        trouble,
        trouble_at: trouble === null ? null : sql<Date>`coalesce(trouble_at, now())`,
      })
      .where('id', '=', id)
      .where('connection', '=', connection)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return
    for (const { seq, ...event } of events) await noteEvent(tx, { runner: id, ...event, told: { life, seq } })
    tx.emit({ kind: 'runner.changed', runner: id })
  })
}
