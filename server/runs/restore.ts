import type { RunId } from '#pipelines/ids.ts'
import { isFinal } from '#pipelines/states.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { Problem } from '../problem.ts'
import { lockJob } from './create-run.ts'
import type { BeginsWith } from './create-run.ts'
import { lockRun } from './lock-run.ts'
import { copyRun, jobOf, type Person } from './retry.ts'

/**
 * Another run of the same job with the same inputs that begins where an earlier one left a checkpoint, with the files that it had
 * there. Gates before it at which people decide ask them again: what they said was said of the earlier run.
 *
 * @throws {Problem} `run-not-found`; `illegal-move` while the run has not ended; `files-not-found`, naming what there is; `files-expired`.
 */
export async function restoreRun(
  db: Db,
  id: RunId,
  { checkpoint, by }: { readonly checkpoint: string; readonly by: Person },
): Promise<RunId> {
  return transact(db, async (tx) => {
    await lockJob(tx.db, await jobOf(tx.db, id))
    const run = await lockRun(tx.db, id)
    if (!isFinal(run.state))
      throw new Problem('illegal-move', `run ${id} is ${run.state}; cancel it or wait for its end`, {
        state: run.state,
      })
    const from = await checkpointOf(tx.db, id, checkpoint)
    const reason = `by ${by.name} from checkpoint \`${checkpoint}\``
    return copyRun(tx, run, { reason, createdBy: by.id, holdMs: 0, from })
  })
}

/** The last that the run left under this name, in whichever attempt. */
async function checkpointOf(db: Trx, id: RunId, name: string): Promise<BeginsWith> {
  const all = await checkpointsOf(db, id)
  const found = all.find((each) => each.name === name)
  const words =
    all.length > 0 ? `it has ${[...new Set(all.map((each) => each.name))].join(', ')}` : 'it left none'
  if (!found)
    throw new Problem(
      'files-not-found',
      `run ${id} has no checkpoint ${JSON.stringify(name.slice(0, 100))}; ${words}`,
    )
  if (found.archive_id !== null) return { handover: found.id, position: found.position }
  throw new Problem(
    'files-expired',
    `what run ${id} left at its checkpoint \`${name}\` is not kept any more; run it again from its beginning`,
  )
}

/** What a run left at its checkpoints, the newest first. */
export const checkpointsOf = (db: Db | Trx, id: RunId) =>
  (db as Db)
    .selectFrom('handovers')
    .select((eb) => [
      'id',
      'position',
      'archive_id',
      'created_at',
      'expires_at',
      eb.ref('checkpoint').$notNull().as('name'),
    ])
    .where('run_id', '=', id)
    .where('checkpoint', 'is not', null)
    .where('carried', 'is not', null)
    .orderBy('id', 'desc')
    .execute()
