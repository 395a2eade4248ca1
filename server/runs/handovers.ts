import { sql } from 'kysely'
import type { HandoverId, RunId } from '#pipelines/ids.ts'
import type { GoesOn } from '#pipelines/plan/compile-facts.ts'
import type { Carried } from '#pipelines/wire/plan.ts'
import type { Trx } from '../db/connect.ts'
import { toJson } from '../db/to-json.ts'
import type { LockedRun } from './lock-run.ts'

/** A run between two of its parts, as its next runner needs it; null at a run's beginning. */
export async function goesOnOf(db: Trx, run: LockedRun): Promise<GoesOn | null> {
  const { position, handover_id: id, ending } = run
  if (id === null) return position === 0 ? null : { position, first: 0, resume: null, ranMs: 0, ending }
  const left = await db.selectFrom('handovers').selectAll().where('id', '=', id).executeTakeFirst()
  if (!left?.carried) throw new Error(`what run ${run.id} goes on with, ${id}, is not there`)
  const resume = { carried: left.carried, outputs: left.outputs }
  // What another run left at its checkpoint is this one's beginning.
  if (left.run_id !== run.id) return { position, first: 0, resume, ranMs: 0, ending }
  return { position, first: left.last_step + 1, resume, ranMs: left.ran_ms, ending }
}

/** The runner has told all of what it left at a place: it may be gone on with. @returns Null where it has sent no workspace. */
export async function completeHandover(
  db: Trx,
  run: LockedRun,
  { position, checkpoint, carried }: Place & { readonly carried: Carried },
): Promise<HandoverId | null> {
  const { rows } = await sql<{ id: HandoverId }>`
    update handovers set carried = ${toJson(carried)}::jsonb, outputs = coalesce(runs.values_out, '{}'),
      runner_id = runs.runner_id,
      last_step = (select coalesce(max(step), 0) from steps where run_id = runs.id and attempt = runs.attempt),
      ran_ms = coalesce((select ran_ms from handovers before where before.id = runs.handover_id and before.run_id = runs.id), 0)
        + coalesce(extract(epoch from clock_timestamp() - runs.taken_at)::float8 * 1000, 0)
    from runs
    where runs.id = ${run.id} and handovers.run_id = runs.id and handovers.attempt = runs.attempt
      and handovers.position = ${position} and handovers.checkpoint is not distinct from ${checkpoint}
    returning handovers.id`.execute(db)
  return rows[0]?.id ?? null
}

export type Place = { readonly position: number; readonly checkpoint: string | null }

/** What a run left at its gates is needed no more, but for what it goes on with; checkpoints have their own time. */
export async function dropHandovers(db: Trx, run: RunId, but: HandoverId | null): Promise<void> {
  await db
    .updateTable('handovers')
    .set({ archive_id: null })
    .where('run_id', '=', run)
    .where('checkpoint', 'is', null)
    .where('archive_id', 'is not', null)
    .where(sql<boolean>`id is distinct from ${but}`)
    .execute()
}
