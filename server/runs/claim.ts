import { sql } from 'kysely'
import type { RunnerId } from '#pipelines/ids.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'
import { allPlanSteps, HOOKS, type Plan } from '#pipelines/wire/plan.ts'
import { stepRows } from '#pipelines/plan/step-rows.ts'
import { definitionIn, definitionOf } from '../catalog/definitions.ts'
import { itsPipelineGoes } from '../catalog/pauses.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact, type Tx } from '../db/transact.ts'
import { judgeRun } from '../policies/judge-run.ts'
import { mayStart, startsInOrder } from './chrono.ts'
import { lockHolds } from './hold-rows.ts'
import { standAside } from './holds.ts'
import { lockRun, type LockedRun } from './lock-run.ts'
import { type Lease, moveRun } from './move.ts'
import { type Opening, planOf } from './plan-of.ts'
import { queuesFor } from './queues.ts'
import { type Fetched, NOTHING_FETCHED, type Wanted } from '../secrets/stores/stores.ts'
import { waitForRoom } from './wait-for-room.ts'

/**
 * Give `lease.runner` the run that is due first among those that it has the labels for, as a plan, or null when there is none.
 * The project that has the fewest runs under way goes first, so that a long queue of one holds up nobody else. A run is due when
 * it was created, a minute earlier for each point of priority: so everything has its turn some time.
 *
 * Two callers get two runs: never the same one, and never a wait. A run that no plan can be made of ends here, with its reason:
 * it must not stand in everybody's way.
 */
export async function claimRun(db: Db, lease: Lease, opening: Opening): Promise<Plan | null> {
  let fetched = NOTHING_FETCHED
  for (;;) {
    const claimed = await transact(db, (tx) => claimFirst(tx, lease, { ...opening, fetched }))
    if (claimed && 'plan' in claimed) return claimed.plan
    if (claimed) fetched = new Map([...fetched, ...(await opening.stores.fetchAll(claimed.wanted))])
  }
}

type Claimed = { readonly plan: Plan | null } | { readonly wanted: readonly Wanted[] }

/** Null: the first one will not run, so the next one is looked at. Where something has to be fetched first, nothing was changed. */
async function claimFirst(
  tx: Tx,
  lease: Lease,
  opening: Opening & { readonly fetched: Fetched },
): Promise<Claimed | null> {
  const run = await lockFirstDue(tx.db, lease.runner)
  if (run === null) return { plan: null }
  if (!(await isAlone(tx, run)) || (await waitForRoom(tx, run))) return null
  const plan = await planOf(tx.db, run, { ...opening, lease: lease.token })
  if ('wanted' in plan) return plan
  const error = 'error' in plan ? plan.error : await deniedBy(tx, run, { plan, runner: lease.runner })
  if ('error' in plan || error) {
    await moveRun(tx, run.id, { move: 'break', error })
    return null
  }
  await moveRun(tx, run.id, { move: 'start', lease })
  await openSteps(tx.db, plan)
  return { plan }
}

/** Why policies stop the run, which may be newer than its file. */
const deniedBy = (
  tx: Tx,
  { id, project_id, revision_id }: LockedRun,
  { plan, runner }: { readonly plan: Plan; readonly runner: RunnerId },
) =>
  judgeRun(tx, {
    ...{ id, project_id, plan, runner },
    definition: async () => (await definitionIn(tx.db, revision_id))?.definition,
  })

async function lockFirstDue(db: Trx, runner: RunnerId): Promise<LockedRun | null> {
  for (const { project_id, runs_on } of await queuesFor(db, runner)) {
    const due = await db
      .selectFrom('runs')
      .select('id')
      .where('state', '=', 'queued')
      .where('held', 'is', null)
      .where('not_before', 'is', null)
      .where('gate_step', 'is', null)
      .where('project_id', '=', project_id)
      .where(sql<boolean>`runs_on = ${runs_on}::text[]`)
      .where(itsPipelineGoes)
      .orderBy('due_at')
      .orderBy('id')
      .limit(1)
      .forNoKeyUpdate()
      .skipLocked()
      .executeTakeFirst()
    if (due) return lockRun(db, due.id)
  }
  return null
}

/**
 * Where jobs start in order and alone among their neighbours, starts are looked at one at a time: what has started since the run
 * was let on makes it stand aside again.
 */
async function isAlone(tx: Tx, run: LockedRun): Promise<boolean> {
  const current = await definitionOf(tx.db, run.lane_id)
  const edges = current && edgesOf(current.definition)
  const around = [run.job, ...(edges?.jobs.get(run.job)?.neighbours ?? [])]
  const ordered = run.start === 'chrono' || (edges && around.some((job) => startsInOrder(edges, job)))
  if (!ordered) return true
  await lockHolds(tx.db, run.project_id)
  if (run.start !== 'chrono' || (await mayStart(tx.db, run))) return true
  await standAside(tx, run)
  return false
}

/** The steps and commands a run will go through, for people to see before they begin. */
async function openSteps(db: Trx, plan: Plan): Promise<void> {
  const at = {
    run_id: plan.run,
    attempt: plan.attempt,
    exit_code: null,
    started_at: null,
    ended_at: null,
    state: 'queued' as const,
  }
  await db
    .insertInto('steps')
    .values(stepRows(plan).map((row) => ({ ...at, ...row })))
    .execute()
  const commands = allPlanSteps([...plan.steps, ...HOOKS.flatMap((hook) => plan.hooks[hook])]).flatMap(
    (step) =>
      step.kind === 'run'
        ? step.commands.map((words, command) => ({
            ...at,
            step: step.step,
            command,
            words,
            first_line: null,
          }))
        : [],
  )
  if (commands.length > 0) await db.insertInto('commands').values(commands).execute()
}
