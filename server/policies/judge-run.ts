import type { ProjectId, RunId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { denials, judge } from '#pipelines/policy/judge.ts'
import { subjectsOfRun } from '#pipelines/policy/subjects.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import type { RunError } from '#pipelines/wire/runner.ts'
import type { Tx } from '../db/transact.ts'
import { noteDenial, wordsOfAll } from './note-denial.ts'
import { rulesFor } from './queries.ts'

export type RunJudged = {
  readonly id: RunId
  readonly project_id: ProjectId
  readonly definition: () => Promise<Pipeline | undefined>
  readonly plan: Plan
}

/**
 * Why the policies of today let a run not begin, which its file was maybe synced before; null where they do. Asked once a run,
 * for everything that its plan came to, and of an organization without policies one look at a key.
 */
export async function judgeRun(
  tx: Tx,
  { id, project_id, definition, plan }: RunJudged,
): Promise<RunError | null> {
  const ruled = await rulesFor(tx.db, project_id)
  if (!ruled) return null
  const pipeline = await definition()
  const job = pipeline?.jobs.find(({ name }) => name === plan.job)
  if (!pipeline || !job) return null // a plan was made of it, so it is there
  const place = { project: plan.project, lane: plan.lane }
  const denied = denials(judge(ruled.rules, subjectsOfRun(job, pipeline, plan), place))
  if (denied.length === 0) return null
  noteDenial(tx, {
    ...{ action: 'run.start', organization: ruled.organization, project: plan.project },
    ...{ target: `/runs/${id}`, denied },
  })
  const words = wordsOfAll(denied)
  return { code: 'policy_denied', message: `${words.slice(0, 1).toUpperCase()}${words.slice(1, 3_900)}.` }
}
