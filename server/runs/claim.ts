import type { RunId } from '#pipelines/ids.ts'
import { compilePlan } from '#pipelines/plan/compile.ts'
import { PREPARE, type Plan } from '#pipelines/wire/plan.ts'
import type { Db, Trx } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { type Lease, lockRun, moveRun } from './move.ts'

/** How a runner gets at a repository: the address and what opens it. */
export type CheckoutOf = (
  repository: { kind: 'hosted' | 'git' | 'github'; url: string },
  run: { id: RunId; lease: string },
) => {
  url: string
  credential: { username: string; password: string } | null
}

/**
 * Give `lease.runner` the run that has waited longest, as a plan, or null when nothing waits.
 *
 * Two callers get two runs: never the same one, and never a wait.
 */
export async function claimRun(db: Db, lease: Lease, checkoutOf: CheckoutOf): Promise<Plan | null> {
  return transact(db, async (tx) => {
    const waiting = await tx.db
      .selectFrom('runs')
      .select('id')
      .where('state', '=', 'queued')
      .orderBy('id')
      .limit(1)
      .forUpdate()
      .skipLocked()
      .executeTakeFirst()
    if (!waiting) return null
    await moveRun(tx, waiting.id, { move: 'start', lease })
    const plan = await planOf(tx.db, waiting.id, (repository) =>
      checkoutOf(repository, { id: waiting.id, lease: lease.token }),
    )
    await openSteps(tx.db, plan)
    return plan
  })
}

/** The run's plan: its job as its revision says, and the commits it was created with. */
async function planOf(
  db: Trx,
  id: RunId,
  checkoutOf: (repository: { kind: 'hosted' | 'git' | 'github'; url: string }) => ReturnType<CheckoutOf>,
) {
  const run = await lockRun(db, id)
  const { definition } = await db
    .selectFrom('runs')
    .innerJoin('revisions', 'revisions.id', 'runs.revision_id')
    .select('revisions.definition')
    .where('runs.id', '=', id)
    .executeTakeFirstOrThrow()
  const job = definition?.jobs.find((candidate) => candidate.name === run.job)
  if (!job) throw new Error(`run ${id} has no job ${run.job} in its revision`)
  const inputs = await db
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
    ])
    .where('run_inputs.run_id', '=', id)
    .orderBy('run_inputs.position')
    .execute()
  const [first] = inputs
  return compilePlan({
    run: id,
    project: run.project,
    pipeline: run.pipeline,
    lane: run.lane,
    attempt: run.attempt,
    job,
    inputs: inputs.map(({ resource, sha, body }) => ({ resource, sha, ref: body.ref })),
    checkout: first
      ? { ...checkoutOf({ kind: first.kind, url: first.url }), sha: first.sha, ref: first.body.ref }
      : null,
  })
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
