import type { RunId } from '#pipelines/ids.ts'
import { compilePlan } from '#pipelines/plan/compile.ts'
import { fieldsOfCommit } from '#pipelines/plan/values.ts'
import { PREPARE, type Plan } from '#pipelines/wire/plan.ts'
import type { RunError } from '#pipelines/wire/runner.ts'
import { ofProject } from '../catalog/queries.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { type Lease, lockRun, moveRun } from './move.ts'

type RepositoryOf = {
  readonly kind: 'hosted' | 'git' | 'github'
  readonly url: string
  readonly ofProject: boolean
}

/** How a runner gets at a repository: the address and what opens it. */
export type CheckoutOf = (
  repository: RepositoryOf,
  run: { id: RunId; lease: string },
) => { url: string; credential: { username: string; password: string } | null }

/**
 * Give `lease.runner` the run that has waited longest, as a plan, or null when nothing waits.
 *
 * Two callers get two runs: never the same one, and never a wait. A run that no plan can be made of ends here, with its reason:
 * it must not stand in everybody's way.
 */
export async function claimRun(db: Db, lease: Lease, checkoutOf: CheckoutOf): Promise<Plan | null> {
  for (;;) {
    const claimed = await transact(db, async (tx) => {
      const id = await lockOldestQueued(tx.db)
      if (id === null) return { plan: null }
      const plan = await planOf(tx.db, id, (repository) => checkoutOf(repository, { id, lease: lease.token }))
      if ('error' in plan) {
        await moveRun(tx, id, { move: 'break', error: plan.error })
        return null
      }
      await moveRun(tx, id, { move: 'start', lease })
      await openSteps(tx.db, plan)
      return { plan }
    })
    if (claimed) return claimed.plan
  }
}

async function lockOldestQueued(db: Trx): Promise<RunId | null> {
  const waiting = await db
    .selectFrom('runs')
    .select('id')
    .where('state', '=', 'queued')
    .orderBy('id')
    .limit(1)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst()
  return waiting?.id ?? null
}

/** The run's plan: its job as its revision says, and the commits it was created with; or why there can be none. */
async function planOf(
  db: Trx,
  id: RunId,
  checkoutOf: (repository: RepositoryOf) => ReturnType<CheckoutOf>,
): Promise<Plan | { error: RunError }> {
  const run = await lockRun(db, id)
  const { definition, kind } = await db
    .selectFrom('runs')
    .innerJoin('revisions', 'revisions.id', 'runs.revision_id')
    .innerJoin('lanes', 'lanes.id', 'runs.lane_id')
    .select(['revisions.definition', 'lanes.kind'])
    .where('runs.id', '=', id)
    .executeTakeFirstOrThrow()
  const job = definition?.jobs.find((candidate) => candidate.name === run.job)
  if (!job)
    return { error: { code: 'plan_impossible', message: `The run's revision has no job \`${run.job}\`.` } }
  const inputs = await inputsOf(db, id)
  const [first] = inputs
  const plan = compilePlan({
    run: id,
    project: run.project,
    pipeline: run.pipeline,
    lane: run.lane,
    kind,
    attempt: run.attempt,
    job,
    inputs: inputs.map(({ resource, sha, body }) => ({ resource, fields: fieldsOfCommit(body, sha) })),
    matrix: null,
    given: null,
    checkout: first ? { ...checkoutOf(first), sha: first.sha, ref: first.body.ref } : null,
  })
  return 'impossible' in plan ? { error: { code: 'plan_impossible', message: plan.impossible } } : plan
}

const inputsOf = (db: Trx, id: RunId) =>
  db
    .selectFrom('run_inputs')
    .innerJoin('versions', 'versions.id', 'run_inputs.version_id')
    .innerJoin('resources', 'resources.id', 'run_inputs.resource_id')
    .innerJoin('repositories', 'repositories.id', 'resources.repository_id')
    .select([
      'resources.name as resource',
      'versions.name as sha',
      'versions.body',
      'repositories.kind',
      'repositories.url',
      ofProject.as('ofProject'),
    ])
    .where('run_inputs.run_id', '=', id)
    .orderBy('run_inputs.position')
    .execute()

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
  const steps = [{ name: PREPARE, commands: [] as string[] }, ...plan.steps]
  await db
    .insertInto('steps')
    .values(steps.map(({ name }, step) => ({ ...at, step, name })))
    .execute()
  const commands = steps.flatMap((step, index) =>
    step.commands.map((words, command) => ({ ...at, step: index, command, words, first_line: null })),
  )
  await db.insertInto('commands').values(commands).execute()
}
