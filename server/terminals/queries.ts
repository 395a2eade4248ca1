import { sql } from 'kysely'
import type { RunId, RunnerId, TerminalId } from '#pipelines/ids.ts'
import { isFinal, type RunState } from '#pipelines/states.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import type { User } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import type { RunnerLine } from '../runners/guest.ts'
import { placeOfRun } from './place-of-run.ts'

/** So many terminals in one run at once: people who look together, not a farm. */
const MOST_IN_A_RUN = 5

export type Opening = { readonly run: RunId; readonly user: User; readonly command: readonly string[] }

/** The runner that a run's container is with. @throws {Problem} `run-not-found`, `no-terminal`. */
export async function runnerOf(db: Db, id: RunId): Promise<RunnerId> {
  const run = await db
    .selectFrom('runs')
    .leftJoin('run_holds', (join) =>
      join.onRef('run_holds.run_id', '=', 'runs.id').on('run_holds.until', '>', sql<Date>`now()`),
    )
    .select(['runs.state', 'runs.runner_id', 'run_holds.runner_id as holder'])
    .where('runs.id', '=', id)
    .executeTakeFirst()
  if (!run) throw new Problem('run-not-found', `there is no run ${id}`)
  const runner = run.state === 'running' ? run.runner_id : run.holder
  if (runner === null) throw new Problem('no-terminal', whyNone(id, run.state))
  return runner
}

const whyNone = (id: RunId, state: RunState) =>
  isFinal(state)
    ? `run ${id} is ${state} and its container is gone; run it again with \`takt retry --hold 30m ${id}\`, which keeps it if it fails`
    : `run ${id} is ${state}: it has no container yet`

/** Note that somebody opens a terminal. @throws {Problem} `too-many-terminals`. */
export async function noteOpening(
  db: Db,
  { run, user, command }: Opening,
  { runner, connection }: RunnerLine,
): Promise<TerminalId> {
  return transact(db, async (tx) => {
    // Those who open at the same moment count each other.
    await tx.db.selectFrom('runs').select('id').where('id', '=', run).forUpdate().execute()
    const { open } = await tx.db
      .selectFrom('terminals')
      .select((eb) => eb.fn.countAll<number>().as('open'))
      .where('run_id', '=', run)
      .where('closed_at', 'is', null)
      .executeTakeFirstOrThrow()
    if (open >= MOST_IN_A_RUN)
      throw new Problem('too-many-terminals', `run ${run} has ${open} open already; close one of them`)
    const { id } = await tx.db
      .insertInto('terminals')
      .values({ run_id: run, user_id: user.id, runner_id: runner, connection, command: [...command] })
      .returning('id')
      .executeTakeFirstOrThrow()
    tx.emit({
      kind: 'terminal.opened',
      ...(await placeOfRun(tx.db, run)),
      run,
      terminal: id,
      user: user.name,
    })
    return id
  })
}

export type Closing = { readonly exitCode: number | null; readonly reason: string | null }

/** Note that a terminal is closed; told twice, noted once. */
export async function noteClosing(db: Db, id: TerminalId, { exitCode, reason }: Closing): Promise<void> {
  await transact(db, async (tx) => {
    const row = await tx.db
      .updateTable('terminals')
      .from('users')
      .set({ closed_at: sql<Date>`now()`, exit_code: exitCode, reason })
      .whereRef('users.id', '=', 'terminals.user_id')
      .where('terminals.id', '=', id)
      .where('terminals.closed_at', 'is', null)
      .returning(['terminals.run_id', 'users.name', 'terminals.opened_at', 'terminals.closed_at'])
      .executeTakeFirst()
    if (!row) return
    const lastedMs = (row.closed_at?.getTime() ?? 0) - row.opened_at.getTime()
    tx.emit({
      ...{ kind: 'terminal.closed', ...(await placeOfRun(tx.db, row.run_id)), run: row.run_id, terminal: id },
      ...{ user: row.name, lastedMs },
    })
  })
}

/** Close those that are open only on paper: their server died, or the runner speaks over another connection now. */
export async function closeForgotten(db: Db): Promise<void> {
  const rows = await db
    .selectFrom('terminals')
    .innerJoin('runners', 'runners.id', 'terminals.runner_id')
    .select('terminals.id')
    .where('terminals.closed_at', 'is', null)
    .where(sql<boolean>`terminals.connection is distinct from runners.connection`)
    .limit(100)
    .execute()
  for (const { id } of rows)
    await noteClosing(db, id, { exitCode: null, reason: 'the server or the runner went away' })
}
