import type { ProjectId, RunId } from '#pipelines/ids.ts'
import type { Tx } from '../db/transact.ts'
import { askToEnd } from '../runs/ask.ts'
import { beginAgain } from '../runs/retry.ts'

/** The lane of a pull request, in all pipelines of a project or in some of them. */
export type PullLane = {
  readonly project: ProjectId
  readonly number: number
  readonly pipelines?: readonly string[]
}

/** What ends the runs of a pull request that is over: they are known by it when it is opened again. */
export const OVER = { closed: 'the pull request was closed', merged: 'the pull request was merged' } as const

/** Runs of a pull request are wanted no more: what waits ends at once, what runs when its runner has stopped it. */
export async function endRuns(tx: Tx, lane: PullLane, reason: string): Promise<void> {
  const open = await runsOf(tx, lane)
    .where('runs.state', 'in', ['queued', 'running', 'waiting'])
    .orderBy('runs.id')
    .execute()
  for (const { id } of open) await askToEnd(tx, id, { reason, only: null })
}

/** A pull request was opened again at the commit that it was closed at: what its closing had ended begins again. */
export async function reopenRuns(tx: Tx, lane: PullLane, sha: string): Promise<RunId[]> {
  const ended = await runsOf(tx, lane)
    .where('runs.state', '=', 'cancelled')
    .where('runs.cancel_reason', 'in', Object.values(OVER))
    .where((eb) =>
      eb.not(
        eb.exists(
          eb.selectFrom('runs as later').select('later.id').whereRef('later.retry_of', '=', 'runs.id'),
        ),
      ),
    )
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('run_inputs')
          .innerJoin('versions', 'versions.id', 'run_inputs.version_id')
          .select('versions.id')
          .whereRef('run_inputs.run_id', '=', 'runs.id')
          .where('versions.name', '=', sha),
      ),
    )
    .orderBy('runs.id')
    .execute()
  const again: RunId[] = []
  for (const { id } of ended)
    again.push(await beginAgain(tx, id, 'because the pull request was opened again'))
  return again
}

function runsOf(tx: Tx, { project, number, pipelines }: PullLane) {
  const runs = tx.db
    .selectFrom('runs')
    .innerJoin('lanes', 'lanes.id', 'runs.lane_id')
    .innerJoin('pipelines', 'pipelines.id', 'lanes.pipeline_id')
    .select('runs.id')
    .where('pipelines.project_id', '=', project)
    .where('lanes.name', '=', `pr/${number}`)
    .where('lanes.kind', '=', 'pull_request')
  return pipelines ? runs.where('pipelines.name', 'in', [...pipelines]) : runs
}
