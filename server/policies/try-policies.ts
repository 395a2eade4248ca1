import type { OrganizationId } from '#pipelines/ids.ts'
import { judge } from '#pipelines/policy/judge.ts'
import type { PolicyRules } from '#pipelines/policy/rules.ts'
import { subjectsOf } from '#pipelines/policy/subjects.ts'
import type { Db } from '../db/connect.ts'
import { hasPowers, powerfulImages } from './powerful.ts'

export type Tried = {
  readonly project: string
  readonly pipeline: string
  readonly lane: string
  readonly effect: 'warn' | 'deny'
  readonly rule: string
  readonly words: string
}

/** So many files are looked at, those first that were pushed to last, and so much is told. */
const MOST_FILES = 1_000
const MOST_TOLD = 500

/** What rules would say of the files that are in force now, on all open lanes of an organization. */
export async function tryPolicies(
  db: Db,
  organization: OrganizationId,
  rules: PolicyRules,
): Promise<{ items: Tried[]; files: number }> {
  const files = await db
    .selectFrom('lanes')
    .innerJoin('pipelines', 'pipelines.id', 'lanes.pipeline_id')
    .innerJoin('projects', 'projects.id', 'pipelines.project_id')
    .innerJoin('revisions', 'revisions.id', 'lanes.revision_id')
    .select(['projects.name as project', 'pipelines.name as pipeline', 'lanes.name as lane'])
    .select('revisions.definition')
    .where('projects.organization_id', '=', organization)
    .where('lanes.closed_at', 'is', null)
    .orderBy('lanes.touched_at', 'desc')
    .limit(MOST_FILES)
    .execute()
  const powerful = await powerfulImages(db, rules)
  const items = files.flatMap(({ definition, ...at }) =>
    definition === null
      ? []
      : judge(rules, subjectsOf(definition, hasPowers(at.lane) ? powerful : []), at).map(
          ({ effect, rule, words }) => ({
            ...at,
            effect,
            rule,
            words,
          }),
        ),
  )
  return { items: items.slice(0, MOST_TOLD), files: files.length }
}
