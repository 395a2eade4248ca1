import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { RunnerId } from '#pipelines/ids.ts'
import { offersOf } from '#pipelines/labels.ts'
import type { RunnerSays } from '#pipelines/wire/runner.ts'
import type { Db } from '../db/connect.ts'
import { inMs, transact } from '../db/transact.ts'
import { noteEvent } from './note-event.ts'

export type Hello = Extract<RunnerSays, { say: 'hello' }>

/** A runner as one connection knows it. The row knows one connection at a time, also where servers are several. */
export type Present = { readonly id: RunnerId; readonly connection: string }

/** A runner that keeps its word says that it is alive three times a lease; after six times of silence it is not here. */
const presentUntil = (leaseMs: number) => inMs(2 * leaseMs)

/** A runner is here, under its name; what it says of itself replaces what it said before, as this connection does the one before. */
export async function arrive(db: Db, hello: Hello, leaseMs: number): Promise<Present> {
  const connection = randomUUID()
  const said = {
    engine: hello.engine.kind,
    isolated: hello.engine.isolated,
    words: hello.engine.words,
    version: hello.version,
    slots: hello.slots,
    slots_least: hello.pool?.least ?? hello.slots,
    slots_most: hello.pool?.most ?? hello.slots,
    trouble: null,
    trouble_at: null,
    checks: hello.checks,
    privileged_images: [...(hello.privileged ?? [])],
    labels: JSON.stringify(hello.labels),
    offers: offersOf(hello.labels),
    connection,
    present_until: presentUntil(leaseMs),
  }
  return transact(db, async (tx) => {
    const { id } = await tx.db
      .insertInto('runners')
      .values({ name: hello.name, ...said })
      .onConflict((oc) => oc.column('name').doUpdateSet({ ...said, seen_at: sql<Date>`now()` }))
      .returning('id')
      .executeTakeFirstOrThrow()
    await noteEvent(tx, { runner: id, kind: 'arrived', words: `connected: ${hello.engine.words}` })
    return { id, connection }
  })
}

/** The connection has ended. A runner that meanwhile speaks over another one is still here. */
export async function leave(db: Db, { id, connection }: Present): Promise<void> {
  await transact(db, async (tx) => {
    const { numUpdatedRows } = await tx.db
      .updateTable('runners')
      .set({ connection: null, seen_at: sql<Date>`now()` })
      .where('id', '=', id)
      .where('connection', '=', connection)
      .executeTakeFirst()
    if (numUpdatedRows > 0n)
      await noteEvent(tx, { runner: id, kind: 'left', words: 'its connection has ended' })
  })
}

/** How often at most a sign of life is written down. */
const NOTED_MS = 10_000

/** The runner has said that it is alive. */
export async function stay(db: Db, { id, connection }: Present, leaseMs: number): Promise<void> {
  const notedMs = Math.min(NOTED_MS, leaseMs / 3)
  await db
    .updateTable('runners')
    .set({ seen_at: sql<Date>`now()`, present_until: presentUntil(leaseMs) })
    .where('id', '=', id)
    .where('connection', '=', connection)
    .where('seen_at', '<=', inMs(-notedMs))
    .execute()
}

/** What people want of the runner whom this connection speaks for; null where another one does. */
export async function wishesOf(db: Db, { id, connection }: Present) {
  const row = await db
    .selectFrom('runners')
    .select(['mode', 'resets'])
    .where('id', '=', id)
    .where('connection', '=', connection)
    .executeTakeFirst()
  return row ?? null
}

/** Whether this is still the connection that speaks for the runner. */
export async function speaks(db: Db, { id, connection }: Present): Promise<boolean> {
  const row = await db
    .selectFrom('runners')
    .select('id')
    .where('id', '=', id)
    .where('connection', '=', connection)
    .executeTakeFirst()
  return row !== undefined
}

/** The runs of a runner that should stop, and why. */
export const stopsFor = (db: Db, id: RunnerId) =>
  db
    .selectFrom('runs')
    .select(['id', 'cancel_reason'])
    .where('runner_id', '=', id)
    .where('state', '=', 'running')
    .where('cancel_at', 'is not', null)
    // What was asked for before its hooks were given to the runner is why they run.
    .where(sql<boolean>`(ending is null or cancel_at > taken_at)`)
    .execute()
