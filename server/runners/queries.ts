import { sql } from 'kysely'
import type { RunnerId } from '#pipelines/ids.ts'
import type { RunnerSays } from '#pipelines/wire/runner.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'

export type Hello = Extract<RunnerSays, { say: 'hello' }>

/** A runner is here, under its name; what it says of itself replaces what it said before. */
export async function arrive(db: Db, hello: Hello): Promise<RunnerId> {
  const said = {
    engine: hello.engine.kind,
    isolated: hello.engine.isolated,
    words: hello.engine.words,
    version: hello.version,
    slots: hello.slots,
    labels: JSON.stringify(hello.labels),
    connected: true,
  }
  return transact(db, async (tx) => {
    const { id } = await tx.db
      .insertInto('runners')
      .values({ name: hello.name, ...said })
      .onConflict((oc) => oc.column('name').doUpdateSet({ ...said, seen_at: sql<Date>`now()` }))
      .returning('id')
      .executeTakeFirstOrThrow()
    tx.emit({ kind: 'runner.changed', runner: id })
    return id
  })
}

export async function leave(db: Db, id: RunnerId): Promise<void> {
  await transact(db, async (tx) => {
    await tx.db
      .updateTable('runners')
      .set({ connected: false, seen_at: sql<Date>`now()` })
      .where('id', '=', id)
      .execute()
    tx.emit({ kind: 'runner.changed', runner: id })
  })
}

/** Runners that are here or hold a run, by name. */
export const listRunners = (db: Db) =>
  db
    .selectFrom('runners')
    .select((eb) => [
      'id',
      'name',
      'engine',
      'isolated',
      'words',
      'slots',
      'connected',
      eb
        .selectFrom('runs')
        .select((run) => run.fn.countAll<number>().as('busy'))
        .whereRef('runs.runner_id', '=', 'runners.id')
        .where('runs.state', '=', 'running')
        .as('busy'),
    ])
    .where((eb) =>
      eb.or([eb('connected', '=', true), eb('seen_at', '>', sql<Date>`now() - interval '1 day'`)]),
    )
    .orderBy('name')
    .execute()

/** The runs of a runner that should stop, and why. */
export const stopsFor = (db: Db, id: RunnerId) =>
  db
    .selectFrom('runs')
    .select(['id', 'cancel_reason'])
    .where('runner_id', '=', id)
    .where('state', '=', 'running')
    .where('cancel_at', 'is not', null)
    .execute()
