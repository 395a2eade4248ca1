import { sql } from 'kysely'
import type { UserId } from '#pipelines/ids.ts'
import type { RunnerEventKind, RunnerMode } from '#pipelines/states.ts'
import { audited } from '../audit/on-record.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { noteEvent } from './note-event.ts'

export type Steering = 'pause' | 'resume' | 'drain' | 'reset'
type Person = { readonly id: UserId; readonly name: string }

const ACTS = {
  pause: { mode: 'paused', kind: 'paused', words: 'takes no new work' },
  drain: {
    mode: 'draining',
    kind: 'draining',
    words: 'takes no new work, and is free to be stopped once it is empty',
  },
  resume: { mode: 'active', kind: 'resumed', words: 'takes work again' },
  reset: { mode: null, kind: 'reset', words: 'tries its engine again at once' },
} as const satisfies Record<Steering, { mode: RunnerMode | null; kind: RunnerEventKind; words: string }>

/**
 * A person says what a runner shall do. What it runs goes on; a runner that is away finds the word when it comes.
 *
 * @throws {Problem} `runner-not-found`.
 */
export async function steerRunner(
  db: Db,
  name: string,
  { act, by, reason }: { act: Steering; by: Person; reason: string | null },
): Promise<void> {
  const { mode, kind, words } = ACTS[act]
  await transact(db, async (tx) => {
    const runner = await tx.db
      .selectFrom('runners')
      .select(['id', 'mode', 'mode_reason', 'resets'])
      .where('name', '=', name)
      .forNoKeyUpdate()
      .executeTakeFirst()
    if (!runner) throw new Problem('runner-not-found', `there is no runner \`${name}\``)
    const now = await tx.db
      .updateTable('runners')
      .set(
        mode === null
          ? { resets: sql<number>`resets + 1` }
          : {
              mode,
              mode_reason: mode === 'active' ? null : reason,
              mode_by: mode === 'active' ? null : by.id,
              mode_at: mode === 'active' ? null : sql<Date>`now()`,
            },
      )
      .where('id', '=', runner.id)
      .returning(['mode', 'mode_reason', 'resets'])
      .executeTakeFirstOrThrow()
    const told = (row: typeof now) =>
      mode === null ? { resets: row.resets } : { mode: row.mode, reason: row.mode_reason }
    audited({ before: told(runner), after: told(now) })
    const why = reason === null ? '' : `: ${reason}`
    await noteEvent(tx, { runner: runner.id, kind, words: `${words}, says ${by.name}${why}`, by: by.id })
  })
}
