import type { RunId } from '#pipelines/ids.ts'
import { compilePlan } from '#pipelines/plan/compile.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import type { RunError } from '#pipelines/wire/runner.ts'
import { definitionIn } from '../catalog/definitions.ts'
import { ofProject } from '../catalog/queries.ts'
import type { Trx } from '../db/connect.ts'
import { fieldsOfVersion } from '../resources/fields.ts'
import type { LockedRun } from './lock-run.ts'

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

/** The run's plan: its job as its revision says, and the commits it was created with; or why there can be none. */
export async function planOf(
  db: Trx,
  run: LockedRun,
  checkoutOf: (repository: RepositoryOf) => ReturnType<CheckoutOf>,
): Promise<Plan | { error: RunError }> {
  const revision = await definitionIn(db, run.revision_id)
  const job = revision?.definition.jobs.find((candidate) => candidate.name === run.job)
  if (!job)
    return { error: { code: 'plan_impossible', message: `The run's revision has no job \`${run.job}\`.` } }
  const inputs = await inputsOf(db, run.id)
  const commit = firstCommit(inputs)
  const plan = compilePlan({
    run: run.id,
    project: run.project,
    pipeline: run.pipeline,
    lane: run.lane,
    kind: run.lane_kind,
    attempt: run.attempt,
    job,
    inputs: inputs.map(({ resource, ...version }) => ({ resource, fields: fieldsOfVersion(version) })),
    matrix: run.matrix,
    given: run.given,
    checkout: commit && { ...checkoutOf(commit.repository), sha: commit.sha, ref: commit.ref },
  })
  return 'impossible' in plan ? { error: { code: 'plan_impossible', message: plan.impossible } } : plan
}

const inputsOf = (db: Trx, id: RunId) =>
  db
    .selectFrom('run_inputs')
    .innerJoin('versions', 'versions.id', 'run_inputs.version_id')
    .innerJoin('resources', 'resources.id', 'run_inputs.resource_id')
    .leftJoin('repositories', 'repositories.id', 'resources.repository_id')
    .select([
      'resources.name as resource',
      'versions.name',
      'versions.body',
      'repositories.kind',
      'repositories.url',
      ofProject.as('ofProject'),
    ])
    .where('run_inputs.run_id', '=', id)
    .orderBy('run_inputs.position')
    .execute()

/** The first git input becomes the working directory; nothing else can be checked out. */
function firstCommit(inputs: Awaited<ReturnType<typeof inputsOf>>) {
  for (const { name, body, kind, url, ofProject: known } of inputs)
    if (kind !== null && url !== null && !('fields' in body))
      return { repository: { kind, url, ofProject: known }, sha: name, ref: body.ref }
  return null
}
