import type { ProjectId, RunId, RunnerId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { denials, judge } from '#pipelines/policy/judge.ts'
import { subjectsOfRun } from '#pipelines/policy/subjects.ts'
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
  const judged = judge(ruled.rules, subjectsOfRun(job, pipeline, { plan, powerful }), place)
  const denied = denials(judged)
  if (denied.length === 0) {
    await noteWarnings(tx.db, id, judged)
    return null
  }
  noteDenial(tx, {
    ...{ action: 'run.start', organization: ruled.organization, project: plan.project },
    ...{ target: `/runs/${id}`, denied },
  })
  const words = wordsOfAll(denied)
  return { code: 'policy_denied', message: `${words.slice(0, 1).toUpperCase()}${words.slice(1, 3_900)}.` }
}

async function powersAt(tx: Tx, runner: RunnerId, plan: Plan): Promise<readonly string[]> {
  if (!hasPowers(plan.lane)) return []
  const row = await tx.db
    .selectFrom('runners')
    .select('privileged_images')
    .where('id', '=', runner)
    .executeTakeFirst()
  return row?.privileged_images ?? []
}
