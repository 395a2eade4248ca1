import { sql } from 'kysely'
import type { RunId, RunnerId } from '#pipelines/ids.ts'
import type { TerminalWord } from '#pipelines/wire/terminal.ts'
import type { Db, Trx } from '../db/connect.ts'
import { inMs, transact, type Tx } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { placeOfRun } from './place-of-run.ts'

export type Holding = Extract<TerminalWord, { say: 'holding' }>['runs']

/** Note which containers a runner keeps, all of them; of runs that it did not carry it says nothing worth noting. */
export async function noteHolding(db: Db, runner: RunnerId, holding: Holding): Promise<void> {
  await transact(db, async (tx) => {
    const kept = holding.map(({ run }) => run)
    const gone = await tx.db
      .deleteFrom('run_holds')
      .where('runner_id', '=', runner)
      .where(sql<boolean>`not run_id = any (${kept}::bigint[])`)
      .returning('run_id')
      .execute()
    const own = kept.length === 0 ? [] : await carriedBy(tx.db, runner, kept)
    for (const { run, leftMs } of holding.filter((each) => own.includes(each.run)))
      await tx.db
        .insertInto('run_holds')
        .values({ run_id: run, runner_id: runner, until: inMs(leftMs) })
        .onConflict((oc) => oc.column('run_id').doUpdateSet({ runner_id: runner, until: inMs(leftMs) }))
        .execute()
    for (const run of [...gone.map(({ run_id }) => run_id), ...own]) await tell(tx, run)
  })
}

const carriedBy = async (db: Trx, runner: RunnerId, runs: readonly RunId[]): Promise<RunId[]> =>
  (
    await db.selectFrom('runs').select('id').where('id', 'in', runs).where('runner_id', '=', runner).execute()
  ).map(({ id }) => id)

/** Ask for a kept container to be let go. @throws {Problem} `not-held`. */
export async function askForEnd(db: Db, run: RunId): Promise<void> {
  await transact(db, async (tx) => {
    const row = await tx.db
      .updateTable('run_holds')
      .set({ end_asked_at: sql<Date>`coalesce(end_asked_at, now())` })
      .where('run_id', '=', run)
      .where('until', '>', sql<Date>`now()`)
      .returning('run_id')
      .executeTakeFirst()
    if (!row) throw new Problem('not-held', `no container of run ${run} is kept`)
    await tell(tx, run)
  })
}

/** What is over is no hold, also where its runner never came back to say so. */
export const forgetOver = (db: Db) =>
  db
    .deleteFrom('run_holds')
    .where('until', '<', sql<Date>`now()`)
    .execute()

/** The kept containers of these runners that somebody wants to be let go. */
export const endsAskedOf = async (db: Db, runners: readonly RunnerId[]) =>
  db
    .selectFrom('run_holds')
    .select(['run_id', 'runner_id'])
    .where('end_asked_at', 'is not', null)
    .where('runner_id', 'in', runners)
    .execute()

async function tell(tx: Tx, run: RunId): Promise<void> {
  tx.emit({ kind: 'run.progressed', ...(await placeOfRun(tx.db, run)), run })
}
