import { sql } from 'kysely'
import type { OrganizationId, ProjectId } from '#pipelines/ids.ts'
import { mostRuns } from '#pipelines/policy/judge.ts'
import type { Trx } from '../db/connect.ts'
import { rulesFor } from '../policies/queries.ts'

type Place = { readonly project_id: ProjectId; readonly project: string; readonly lane: string }
/** How many more runs a policy lets a project have under way, at this moment. */
export type Room = {
  readonly organization: OrganizationId
  readonly rule: string
  /** Runs that wait for this rule wait before this. */
  readonly key: string
  readonly words: string
  readonly places: number
}

/** The policy that bounds the runs of a project on a lane; null where none does. */
export async function roomFor(db: Trx, { project_id, project, lane }: Place): Promise<Room | null> {
  const ruled = await rulesFor(db, project_id)
  const most = ruled && mostRuns(ruled.rules, { project, lane })
  if (!most) return null
  const { rows } = await sql<{ lane: string; running: number }>`
    select lanes.name as lane, count(*)::int as running from runs join lanes on lanes.id = runs.lane_id
    where runs.project_id = ${project_id} and runs.state = 'running' group by lanes.name`.execute(db)
  const same = rows.filter((each) => mostRuns(ruled.rules, { project, lane: each.lane })?.rule === most.rule)
  const running = same.reduce((sum, each) => sum + each.running, 0)
  return {
    organization: ruled.organization,
    rule: most.rule,
    key: `policy:${project_id}/${most.rule}`,
    words: `waits: ${most.words}`,
    places: most.most - running,
  }
}
