import { sql } from 'kysely'
import type { OrganizationId, ProjectId } from '#pipelines/ids.ts'
import { runsBounds, type RunsBound } from '#pipelines/policy/crowd.ts'
import type { PolicyRules } from '#pipelines/policy/rules.ts'
import type { Trx } from '../db/connect.ts'
import { rulesFor } from '../policies/queries.ts'

type Place = { readonly project_id: ProjectId; readonly project: string; readonly lane: string }

/** The bounds that policies set to the runs at a place, those of its project and those of the whole organization. */
export type Bounds = {
  readonly organization: OrganizationId
  readonly rules: PolicyRules
  readonly items: readonly Bounded[]
}
/** @property key  Runs that wait for this rule wait before this. */
export type Bounded = RunsBound & { readonly key: string }

/** Null where no policy bounds them. */
export async function boundsFor(db: Trx, { project_id, project, lane }: Place): Promise<Bounds | null> {
  const ruled = await rulesFor(db, project_id)
  if (!ruled) return null
  const items = runsBounds(ruled.rules, { project, lane }).map((bound) => ({
    ...bound,
    key:
      bound.per === 'project'
        ? `policy:${project_id}/${bound.rule}`
        : `organization:${ruled.organization}/${bound.rule}`,
  }))
  return items.length > 0 ? { ...ruled, items } : null
}

/** How many more runs a bound leaves room for, at this moment. */
export async function placesIn(
  db: Trx,
  { organization, rules }: Bounds,
  { bound, of }: { readonly bound: Bounded; readonly of: Place },
): Promise<number> {
  const own =
    bound.per === 'project'
      ? sql<boolean>`runs.project_id = ${of.project_id}`
      : sql<boolean>`projects.organization_id = ${organization}`
  const { rows } = await sql<{ project: string; lane: string; running: number }>`
    select projects.name as project, lanes.name as lane, count(*)::int as running
    from runs join lanes on lanes.id = runs.lane_id join projects on projects.id = runs.project_id
    where runs.state = 'running' and ${own} group by projects.name, lanes.name`.execute(db)
  const counted = rows.filter((each) => runsBounds(rules, each).some(({ rule }) => rule === bound.rule))
  return bound.most - counted.reduce((sum, { running }) => sum + running, 0)
}
