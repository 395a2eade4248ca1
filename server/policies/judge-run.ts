import type { OrganizationId, ProjectId, RunId, RunnerId } from '#pipelines/ids.ts'
import type { Job, Pipeline } from '#pipelines/language/pipeline.ts'
import { denials, judge, type Judgement } from '#pipelines/policy/judge.ts'
import { secretsOf, subjectsOfRun } from '#pipelines/policy/subjects.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import type { RunError } from '#pipelines/wire/runner.ts'
import type { Tx } from '../db/transact.ts'
import { noteDenial, wordsOfAll } from './note-denial.ts'
import { noteWarnings } from './note-warning.ts'
import { hasPowers } from './powerful.ts'
import { rulesFor } from './queries.ts'

export type RunJudged = {
  readonly id: RunId
  readonly project_id: ProjectId
  readonly definition: () => Promise<Pipeline | undefined>
  readonly plan: Plan
  /** Whoever is about to take it. */
  readonly runner: RunnerId
}

/**
 * Why the policies of today let a run not begin, which its file was maybe synced before; null where they do. Asked once a run,
 * for everything that its plan came to, and of an organization without policies one look at a key. What they warn of stands with the run.
 */
export async function judgeRun(
  tx: Tx,
  { id, project_id, definition, plan, runner }: RunJudged,
): Promise<RunError | null> {
  const ruled = await rulesFor(tx.db, project_id)
  if (!ruled) return null
  const pipeline = await definition()
  const job = pipeline?.jobs.find(({ name }) => name === plan.job)
  if (!pipeline || !job) return null // a plan was made of it, so it is there
  const place = { project: plan.project, lane: plan.lane }
  const speaks = ruled.rules.some(({ privileged }) => privileged !== undefined)
  const powerful = speaks ? await powersAt(tx, runner, plan) : []
  const labels = await labelsOf(tx, id)
  const judged = judge(ruled.rules, subjectsOfRun(job, pipeline, { plan, powerful, labels }), place)
  const words = await settle(tx, { id, project: plan.project, organization: ruled.organization }, judged)
  if (words === null) return null
  return { code: 'policy_denied', message: `${words.slice(0, 1).toUpperCase()}${words.slice(1, 3_900)}.` }
}

type Spot = { readonly id: RunId; readonly project: string; readonly organization: OrganizationId }

/** What is warned of stands with the run; what is denied on record. @returns Why it may not go on, in words. */
async function settle(
  tx: Tx,
  { id, project, organization }: Spot,
  judged: readonly Judgement[],
): Promise<string | null> {
  const denied = denials(judged)
  if (denied.length === 0) {
    await noteWarnings(tx.db, id, judged)
    return null
  }
  noteDenial(tx, { action: 'run.start', organization, project, target: `/runs/${id}`, denied })
  return wordsOfAll(denied)
}

type Opening = {
  readonly run: {
    readonly id: RunId
    readonly project_id: ProjectId
    readonly project: string
    readonly lane: string
  }
  readonly job: Pick<Job, 'name'>
  readonly names: readonly string[]
}

/** Why the policies of today keep secrets from a run that the server itself would use for it, in words; null where they do not. */
export async function judgeSecrets(tx: Tx, { run, job, names }: Opening): Promise<string | null> {
  const ruled = names.length > 0 ? await rulesFor(tx.db, run.project_id) : null
  if (!ruled) return null
  const { id, project, lane } = run
  const judged = judge(ruled.rules, secretsOf(job, names), { project, lane })
  return settle(tx, { id, project, organization: ruled.organization }, judged)
}

const labelsOf = async (tx: Tx, id: RunId): Promise<readonly string[]> =>
  (await tx.db.selectFrom('runs').select('runs_on').where('id', '=', id).executeTakeFirstOrThrow()).runs_on

async function powersAt(tx: Tx, runner: RunnerId, plan: Plan): Promise<readonly string[]> {
  if (!hasPowers(plan.lane)) return []
  const row = await tx.db
    .selectFrom('runners')
    .select('privileged_images')
    .where('id', '=', runner)
    .executeTakeFirst()
  return row?.privileged_images ?? []
}
